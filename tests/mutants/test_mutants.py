"""The mutants fit the tree as it is; `make mutants` lets the tests find them."""

import shutil
from pathlib import Path

import pytest

from tests.mutants.mutant import ROOT, Change, Mutant, PatchError, mutants


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_it_applies_and_its_tests_are_there(mutant: Mutant, tmp_path: Path) -> None:
    for source in {source for change in mutant.changes for source in ROOT.glob(change.files)}:
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    mutant.apply(tmp_path)
    assert mutant.breaks.endswith(".")
    for test in mutant.tests:
        file, *names = test.split("::")
        text = (ROOT / file).read_text()
        assert all(name.partition("[")[0] in text for name in names)


@pytest.mark.parametrize("text", ["", "a\na\n"], ids=["no longer", "more than once"])
def test_lines_that_are_not_there_once_are_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(PatchError):
        Change("file", "a\n", "b\n").apply(tmp_path)
