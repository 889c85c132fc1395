"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, anchors, documents, links

DOCUMENTS = documents()


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(document.relative_to(ROOT)) for document in DOCUMENTS])
def test_relative_links_resolve(document: Path) -> None:
    broken = []
    for link in links(document):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or not target.is_relative_to(ROOT) or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_document_is_reached_from_the_readme() -> None:
    reached, queue = set(), [ROOT / "README.md"]
    while queue:
        document = queue.pop()
        if document.suffix == ".md" and document.exists() and document not in reached:
            reached.add(document)
            queue += [(document.parent / link.partition("#")[0]).resolve() for link in links(document)]
    assert set((ROOT / "docs").rglob("*.md")) <= reached
