"""The documentation page, what it loads, and the glossary; tests/browser looks at them in a browser."""

import gzip
import re
from html import unescape

import httpx
import pytest

from tests.api.service import problem

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
LOADED = {"swagger-ui-bundle.js", "swagger-ui.css", "docs_page.js", "docs_page.css"}
KEPT = "public, max-age=31536000, immutable"


def loaded(client: httpx.Client) -> list[str]:
    """The paths of what the page loads."""
    return re.findall(r'<(?:script|link)[^>]* (?:src|href)="(/[^"]*)"', client.get("/api/docs").text)


def encoded(client: httpx.Client, path: str, accepted: str) -> httpx.Response:
    """An answer as it is sent: httpx would decompress the body."""
    with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as response:
        response._content = b"".join(response.iter_raw())
    return response


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/", "/api/docs/errors"])
def test_a_page_runs_files_of_ours_and_nothing_else(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    directives = [part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";")]
    assert dict(directives) == POLICY
    assert response.headers["cache-control"] == "no-store"
    # what that policy would not let run
    assert not re.search(r"<[^>]+\s(?:on\w+|style)=|<style|<script(?![^>]* src=)[^>]*>", response.text)
    assert re.findall(r'(?:src|href)="(?!/api/docs|data:)', response.text) == []


def test_what_the_page_loads_is_there_and_kept(client: httpx.Client) -> None:
    paths = loaded(client)
    assert {path.rpartition("/")[2] for path in paths} == LOADED
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] in {"text/javascript", "text/css"}
        assert response.headers["cache-control"] == KEPT
        assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert client.head(path).headers["content-length"] == response.headers["content-length"]
        # the page's own files load nothing from elsewhere
        if "docs_page" in path:
            assert "//" not in re.sub(r"(?m)^\s*// .*$", "", response.text)


@pytest.mark.parametrize("accepted", ["gzip", "br;q=1, GZIP ;q=0.5", "deflate,gzip;q=1.0"])
def test_who_takes_gzip_gets_it(client: httpx.Client, accepted: str) -> None:
    for path in loaded(client):
        found, plain = encoded(client, path, accepted), encoded(client, path, "identity")
        assert found.headers["content-encoding"] == "gzip"
        assert {found.headers["vary"], plain.headers["vary"]} == {"accept-encoding"}
        assert int(found.headers["content-length"]) == len(found.content)
        assert gzip.decompress(found.content) == plain.content
        assert len(found.content) < len(plain.content) / 1.5


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip2", "gzip" * 10_000, "," * 50_000])
def test_who_does_not_take_gzip_gets_it_plain(client: httpx.Client, accepted: str) -> None:
    found = encoded(client, loaded(client)[0], accepted)
    assert found.status_code == 200
    assert "content-encoding" not in found.headers
    assert int(found.headers["content-length"]) == len(found.content)


def test_an_error_is_not_kept(client: httpx.Client) -> None:
    path = loaded(client)[0]
    for response in (client.post(path), client.get(path, params={"q": "a" * 5000}), client.get(f"{path}.map")):
        assert response.status_code >= 400
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        *("openapi.yaml", "swagger", "redoc", "none.json", "errors/WA003", "docs_page.js", "swagger-ui.css"),
        *("0000000000000000/swagger-ui.css", "..%2f..%2fpyproject.toml", "%2e%2e/%2e%2e/etc/passwd", "errors%00"),
    ],
)
def test_there_is_nothing_else_under_docs(client: httpx.Client, path: str) -> None:
    problem(client.get(f"/api/docs/{path}"), 404, "not_found")


def test_every_code_has_an_entry_in_the_glossary(client: httpx.Client) -> None:
    examples = client.get("/api/docs/openapi.json").json()["components"]["examples"]
    page = client.get("/api/docs/errors").text
    assert re.findall(r'<section id="(\w+)">', page) == list(examples)


def test_an_entry_has_what_a_person_reads_and_what_to_do_and_says_nothing_twice(client: httpx.Client) -> None:
    examples = client.get("/api/docs/openapi.json").json()["components"]["examples"]
    page = unescape(client.get("/api/docs/errors").text)
    for code, found in re.findall(r'(?s)<section id="(\w+)">\n(.*?)</section>', page):
        words, _, _ = found.partition("<pre>")
        example = examples[code]["value"]
        assert f"<h2>{example['status']} {code} {example['title']}</h2>" in words
        assert f"<p>{example['message']}</p>" in words
        assert re.search(r"<b>What to do:</b> \S.*\.</p>", words), code
        sentences = [said for said in re.split(r"[.:!?] |[.]?<[^>]*>|\n", words.lower()) if said.strip()]
        assert len(sentences) == len(set(sentences)), code
