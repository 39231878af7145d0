"""Behind a proxy that takes the public URL's path off, every answer leads to places under it."""

import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.operations.people.begin import begin_service
from runhook.server.app import build_app
from runhook.server.http.prefix import public_path
from runhook.storage.engine.store import Store
from tests.support.api import Api
from tests.support.clock import ManualClock
from tests.support.people import PASSWORD, SAME_ORIGIN, session_of_new_user
from tests.support.world import a_world
from tests.web.pages import Page, submit

PATH = "/tools/runhook"
PUBLIC = f"https://data.example.com{PATH}"
ADA = "ada@example.com"
LINKS = ("href", "src", "action", "formaction", "data-live")
MOST_PAGES = 150


class StrippingProxy(httpx.ASGITransport):
    """Passes on what is under the path, without it; anything else is not ours."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.partition(b"?")
        if not path.startswith(f"{PATH}/".encode()):
            return httpx.Response(404, text=f"left {PATH}: {path.decode()}")
        inner = path.removeprefix(PATH.encode()) + (b"?" + query if query else b"")
        request.url = request.url.copy_with(raw_path=inner)
        return await super().handle_async_request(request)


@pytest.fixture
async def api(store: Store, clock: ManualClock) -> Api:
    await begin_service(store, bootstrap_token=None, clock=clock)
    return Api(store=store, clock=clock, app=build_app(public_path(PUBLIC)), public_url=PUBLIC)


@pytest.fixture
def visitor(api: Api) -> httpx.AsyncClient:
    """A browser, for which the service is where the proxy has it."""
    return httpx.AsyncClient(
        transport=StrippingProxy(app=api.app),
        base_url=PUBLIC,
        headers={"Accept": "text/html,*/*;q=0.8", **SAME_ORIGIN},
    )


async def ada_signs_in(api: Api, visitor: httpx.AsyncClient) -> httpx.Response:
    await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    form = Page(await visitor.get(f"{PUBLIC}/sign-in"))
    return await submit(visitor, form, email=ADA, password=PASSWORD)


async def test_signing_in_leads_on_under_the_path_with_a_cookie_of_it(
    api: Api, visitor: httpx.AsyncClient
):
    signed_in = await ada_signs_in(api, visitor)

    assert signed_in.status_code == 303
    assert signed_in.headers["location"].startswith(f"{PATH}/")
    cookies = signed_in.headers.get_list("set-cookie")
    assert cookies
    assert all(re.search(rf"(?i);\s*path={PATH}(;|$)", one) for one in cookies)
    assert all("; secure" in one.lower() for one in cookies)
    # What begins with `__Host-` can belong to no path.
    assert all(one.startswith("__Secure-") for one in cookies)
    assert (await visitor.get(f"{PUBLIC}/")).headers["location"].startswith(f"{PATH}/accounts/1/")


async def test_who_has_to_sign_in_first_goes_where_they_meant_to(
    api: Api, visitor: httpx.AsyncClient
):
    asked = await visitor.get(f"{PUBLIC}/accounts/1/webhooks?page=2")
    form = await visitor.get(urljoin(PUBLIC, asked.headers["location"]))
    await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    signed_in = await submit(visitor, Page(form), email=ADA, password=PASSWORD)
    lost = await visitor.post(
        f"{PUBLIC}/accounts/1/webhooks/new",
        headers={
            "Referer": f"{PUBLIC}/accounts/1/webhooks/new",
            "Cookie": "__Secure-runhook_session=x",
        },
    )

    assert signed_in.headers["location"] == f"{PATH}/accounts/1/webhooks?page=2"
    assert lost.headers["location"] == f"{PATH}/sign-in?following=/accounts/1/webhooks/new"


async def test_no_link_of_any_page_leaves_the_path(api: Api, visitor: httpx.AsyncClient):
    await ada_signs_in(api, visitor)
    await a_world(api)
    waiting = deque([f"{PUBLIC}/accounts/1/overview"])
    seen: dict[str, int] = {}
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.popleft()
        if address.partition("?")[0] in seen:
            continue
        answer = await visitor.get(address)
        seen[address.partition("?")[0]] = answer.status_code
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        page = Page(answer)
        for element in page.root.all():
            for name in LINKS:
                if (link := element.attributes.get(name)) and not link.startswith("#"):
                    target = urljoin(address, link)
                    if urlsplit(target).netloc != urlsplit(PUBLIC).netloc:
                        continue
                    assert target.startswith(f"{PUBLIC}/"), (address, element.tag, link)
                    if name in {"href", "src"}:
                        waiting.append(target)

    assert set(seen.values()) <= {200, 303}, seen
    assert len(seen) > 25


async def test_a_shared_link_shows_the_picture_under_the_path(visitor: httpx.AsyncClient):
    page = Page(await visitor.get(f"{PUBLIC}/sign-in"))

    (picture,) = page.root.all("meta", property="og:image")
    assert picture.attributes["content"].startswith(f"{PUBLIC}/static/preview.png")


async def test_the_head_of_a_page_has_its_length(visitor: httpx.AsyncClient):
    page = await visitor.get(f"{PUBLIC}/sign-in")
    head = await visitor.head(f"{PUBLIC}/sign-in")

    assert head.headers["content-length"] == str(len(page.content))


async def test_the_description_says_where_its_paths_are(visitor: httpx.AsyncClient):
    described = await visitor.get(f"{PUBLIC}/api/openapi.json")

    assert described.json()["servers"] == [{"url": f"{PATH}/"}]


async def test_texts_that_look_like_links_stay_as_they_are(api: Api, visitor: httpx.AsyncClient):
    await ada_signs_in(api, visitor)
    form = Page(await visitor.get(f"{PUBLIC}/profile"))
    name = 'x href="/elsewhere"'
    (saving,) = [
        one for one in form.root.all("form") if one.attributes["action"] == f"{PATH}/profile"
    ]
    await submit(visitor, form, saving, name=name)

    shown = Page(await visitor.get(f"{PUBLIC}/profile"))

    assert name in [one.attributes.get("value") for one in shown.root.all("input")]
