"""The page on sizes quotes what its program prints."""

from pathlib import Path

import pytest

from bench import sizing

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deployment" / "sizing.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_program() -> None:
    _, _, rest = PAGE.partition("<!-- python -m bench.sizing -->\n")
    quoted, _, _ = rest.partition("\n<!-- end -->")
    assert quoted == sizing.table(sizing.PAGE, sizing.Server())


@pytest.mark.parametrize(
    "number",
    [
        f"{sizing.TOPUP_SERVER} µs",
        f"{sizing.TOPUP_SERVICE} µs",
        f"{sizing.READ_SERVER} µs",
        f"{sizing.READ_SERVICE} µs",
        f"× {sizing.ROUTED} ×",
        f"{sizing.TRANSFER} × transfers",
        f"× {sizing.BYTES} |",
        f"{sizing.WAL / 1000} kB",
        f"{sizing.NUMBERS:,} databases",
    ],
)
def test_the_formula_has_the_numbers_of_the_program(number: str) -> None:
    assert number in PAGE


def test_one_database_needs_no_routing_and_no_looks() -> None:
    found = sizing.need(sizing.Load(1e6, entries=1e9), sizing.Server())
    assert (found.databases, found.servers) == (1, 1)
    assert found.reached["looks for transfers"] == 0
