"""The table: figures, ratios, goals."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results") / "latest.json"
HEADINGS = ("figure", "measured", "p50 · p99", "compared with", "ratio", "goal", "reached")
RIGHT = {1, 2, 4, 5}


@dataclass(frozen=True)
class Goal:
    """A bound from the project's plan, on the ratio where there is one, else on the value."""

    bound: str
    """">=" or "<="."""
    number: float
    unit: str = ""

    def reached(self, value: float) -> bool:
        """Return whether the value keeps the bound."""
        return value >= self.number if self.bound == ">=" else value <= self.number

    def __str__(self) -> str:
        return f"{'≥' if self.bound == '>=' else '≤'} {self.number:,g}{self.unit}"


@dataclass
class Row:
    """A line of the table. `samples` are the values of the rounds, whose median `value` is."""

    section: str
    figure: str
    value: float
    unit: str
    measured: str
    latency: str = ""
    against: str = ""
    ratio: float | None = None
    goal: str = ""
    reached: bool | None = None
    samples: list[Any] = field(default_factory=list)

    def cells(self) -> list[str]:
        """Return the row's texts, one for each heading."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        reached = "" if self.reached is None else "yes" if self.reached else "NO"
        return [self.figure, self.measured, self.latency, self.against, ratio, self.goal, reached]


@dataclass
class Report:
    """The results, in the order found; `facts` says on what and how."""

    facts: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        section: str,
        figure: str,
        value: float,
        unit: str,
        *,
        goal: Goal | None = None,
        against: str = "",
        ratio: float | None = None,
        latency: str = "",
        samples: list[Any] | None = None,
    ) -> Row:
        """Add a row. `goal` bounds the ratio if there is one, else the value."""
        judged = value if ratio is None else ratio
        row = Row(
            section,
            figure,
            value,
            unit,
            measured=f"{_number(value)} {unit}",
            latency=latency,
            against=against,
            ratio=ratio,
            goal=str(goal or ""),
            reached=None if goal is None else goal.reached(judged),
            samples=samples or [],
        )
        self.rows.append(row)
        return row

    def sort(self) -> None:
        """Order the sections by letter, and keep the rows of each together."""
        appearance = list(dict.fromkeys(row.section for row in self.rows))
        self.rows.sort(key=lambda row: (row.section[:3], appearance.index(row.section)))

    def note(self, text: str) -> None:
        """Add a line below the table: what was skipped, and why."""
        self.notes.append(text)

    def save(self, path: Path = RESULTS) -> None:
        """Write everything as JSON."""
        path.parent.mkdir(exist_ok=True)
        content = {"facts": self.facts, "rows": [asdict(row) for row in self.rows], "notes": self.notes}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path = RESULTS) -> "Report":
        """Read what save() wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(content["facts"], [Row(**row) for row in content["rows"]], content["notes"])

    def _lines(self) -> list[str]:
        """Return the facts as lines of text."""
        return [f"{name}: {value}" for name, value in self.facts.items()]

    def text(self) -> str:
        """Return the table for a terminal."""
        texts = [row.cells() for row in self.rows]
        widths = [max(len(row[column]) for row in [list(HEADINGS), *texts]) for column in range(len(HEADINGS))]

        def line(cells: list[str]) -> str:
            padded = [
                cell.rjust(width) if column in RIGHT else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            return "  ".join(padded).rstrip()

        lines, section = [*self._lines(), "", line(list(HEADINGS))], ""
        for row, cells in zip(self.rows, texts, strict=True):
            if row.section != section:
                section = row.section
                lines += ["", section]
            lines.append(line(cells))
        return "\n".join([*lines, "", self.summary(), *self.notes])

    def markdown(self) -> str:
        """Return the table for a README."""
        lines = [f"- {text}" for text in self._lines()]
        lines += [
            "",
            f"| {' | '.join(HEADINGS)} |",
            f"|{'|'.join('--:' if column in RIGHT else '---' for column in range(len(HEADINGS)))}|",
        ]
        section = ""
        for row in self.rows:
            if row.section != section:
                section = row.section
                lines.append(f"| **{section}** |{' |' * (len(HEADINGS) - 1)}")
            lines.append(f"| {' | '.join(row.cells())} |".replace("  ", " "))
        return "\n".join([*lines, "", self.summary(), *self.notes])

    def summary(self) -> str:
        """Return how many goals were reached."""
        judged = [row.reached for row in self.rows if row.reached is not None]
        return f"{sum(judged)} of {len(judged)} goals reached."


def _number(value: float) -> str:
    """Return the number with only its significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"
