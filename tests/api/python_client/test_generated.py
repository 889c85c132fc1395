"""What is generated of the client is what the generator makes now: it never drifts from the API."""

from pathlib import Path

import pytest

from tests.api.python_client.generate import ANEW, BY_HAND, PACKAGE, Api, document, files

FILES = files()


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_the_file_is_what_the_generator_makes(file: Path) -> None:
    assert file.read_text() == FILES[file], f"{ANEW} writes it anew"


def test_every_call_has_a_method() -> None:
    api = Api(document())
    paths = {path for _, path, _ in api.operations()}
    written = "".join((PACKAGE / name).read_text() for name in ("_async_calls.py", "_async.py"))
    missing = {path for path in paths if f'"{path.partition("{")[0]}' not in written}
    assert missing == set()
    every = {operation["operationId"]: path for _, path, operation in api.operations(all_of_them=True)}
    for name in BY_HAND:
        assert every[name] in (PACKAGE / "_async.py").read_text()
