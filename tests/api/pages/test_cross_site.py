"""What is kept of the requests for pages: nothing that only their browser should know."""

from litestar import Router, get, post
from litestar._parsers import parse_cookie_string, parse_url_encoded_form_data
from litestar.testing import create_test_client

from api.http.json_body import JsonRequest
from api.pages.cross_site import cross_site


def kept() -> tuple[int, int]:
    return parse_cookie_string.cache_info().currsize, parse_url_encoded_form_data.cache_info().currsize


def test_neither_cookies_nor_forms_are_kept() -> None:
    @get("/page")
    async def page() -> str:
        return "page"

    @post("/page")
    async def form() -> str:
        return "sent"

    router = Router("/", route_handlers=[page, form], middleware=[cross_site("the key of the service")])
    with create_test_client(router, request_class=JsonRequest, openapi_config=None) as client:
        before = kept()
        shown = client.get("/page", headers={"Cookie": "pgwallet=an id that is secret"})
        sent = client.post("/page", data={"password": "secret"}, headers={"Cookie": "pgwallet=another id"})
        assert (shown.status_code, sent.status_code) == (200, 403)
        assert kept() == before
