"""What every answer says beside its content, and what pages are made of."""

import re
from pathlib import Path

import httpx
import pytest

import runhook.server.web
from tests.support.api import Api, told
from tests.web.pages import page_at

FOLDER = Path(runhook.server.web.__file__).parent
PATHS = ["/", "/sign-in", "/invitations/x", "/nothing", "/healthz", "/api/v3/session"]


@pytest.mark.parametrize("path", PATHS)
async def test_no_answer_runs_scripts_stands_in_frames_or_is_kept(stranger, path: str):
    headers = (await stranger.get(path)).headers

    policy = headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert {"frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


async def test_what_pages_are_made_of_is_kept_until_the_next_version(stranger):
    page = await page_at(stranger, "/sign-in")

    for link in page.root.all("link"):
        path = link.attributes["href"]
        answer = await stranger.get(path)
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert {link.attributes["rel"] for link in page.root.all("link")} == {
        *("stylesheet", "icon", "apple-touch-icon", "manifest")
    }
    (preview,) = (one for one in page.root.all("meta", property="og:image"))
    shown = await stranger.get(preview.attributes["content"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    manifest = (await stranger.get("/static/site.webmanifest")).json()
    for one in manifest["icons"]:
        assert (await stranger.get(f"/static/{one['src']}")).status_code == 200
    # Browsers ask for this one without being told to.
    icon = await stranger.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/vnd.microsoft.icon"


@pytest.mark.parametrize("path", ["/static/", "/static/../pages.py", "/static/%2e%2e/pages.py"])
async def test_nothing_but_what_pages_are_made_of_lies_there(stranger, path: str):
    assert (await stranger.get(path)).status_code == 404


async def test_an_address_where_nothing_is_answers_a_browser_with_a_page(stranger):
    page = await page_at(stranger, "/nothing/here", 404)

    assert page.heading == "Not found, or you have no access"
    assert page.main.one("a").attributes["href"] == "/"


async def test_a_method_that_a_page_does_not_take_is_told_with_those_that_it_does(stranger):
    answer = await stranger.put("/sign-in")

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "OPTIONS", "POST"}


async def test_an_address_where_nothing_is_answers_a_program_with_json(api: Api):
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api.app), base_url="http://runhook.test"
    )

    told(await client.get("/nothing/here"), 404)
    told(await client.get("/api/nothing", headers={"Accept": "text/html"}), 404)


async def test_every_page_has_a_title_one_heading_and_a_label_for_each_field(stranger, ada):
    pages = [
        await page_at(stranger, "/sign-in"),
        await page_at(stranger, "/nothing", 404),
        await page_at(ada, "/accounts"),
    ]

    for page in pages:
        assert page.root.one("html").attributes["lang"] == "en"
        assert page.root.one("title").text.endswith("· Runhook")
        assert len(page.root.all("h1")) == 1
        labels = {label.attributes["for"] for label in page.root.all("label")}
        fields = [one.attributes for one in page.root.all("input")]
        assert {one["id"] for one in fields if one["type"] != "hidden"} == labels


async def test_what_people_call_things_is_text_and_never_markup(api: Api, ada):
    async with api.store.write() as tx:
        await tx.connection.exec_driver_sql("UPDATE accounts SET name = '<b>&\"''</b>'")

    page = await page_at(ada, "/accounts")

    assert page.main.all("b") == []
    assert "<b>&\"'</b>" in page.main.text


def test_no_template_has_a_script_or_a_style_of_its_own():
    for template in (FOLDER / "templates").rglob("*.html"):
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", template.read_text())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_apart_in_either_light(theme: str):
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for the edges of what can be used."""
    style = (FOLDER / "static" / "runhook.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", style)
    colours = {name: light if theme == "light" else dark for name, light, dark in pairs}

    texts = [
        *((ink, ground) for ink in INKS for ground in GROUNDS),
        ("accent-ink", "accent"),
        ("danger", "danger-ground"),
    ]
    edges = [(edge, ground) for edge in EDGES for ground in GROUNDS]

    assert [one for one in texts if contrast(colours, *one) < 4.5] == []
    assert [one for one in edges if contrast(colours, *one) < 3] == []
    assert contrast(colours, "accent", "danger") > 2


INKS = ("ink", "ink-quiet", "accent", "danger", "good", "wait")
EDGES = ("line-strong", "focus", "good-mark", "bad-mark", "wait", "mark")
GROUNDS = ("ground", "surface", "sunken")


def contrast(colours: dict[str, str], one: str, other: str) -> float:
    low, high = sorted((luminance(colours[one]), luminance(colours[other])))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
