"""Help: the documents as pages, and the way to the right one from each page."""

import re
from functools import cache
from pathlib import Path

import pytest

from runhook.domain.formats import FORMATS
from runhook.server.web import help as help_pages
from runhook.server.web.page.rendering import FOLDER
from tests.support.databases import ON_ONE_DATABASE
from tests.web.pages import Element, page_at

TOPIC = re.compile(r"{% block help %}(.*?){% endblock %}")


@ON_ONE_DATABASE
async def test_a_document_is_a_page_whose_links_lead_somewhere(stranger, subtests: pytest.Subtests):
    for name in sorted(help_pages.names()):
        with subtests.test(name=name):
            page = await page_at(stranger, f"/help/{name}")
            article = page.main.one("article")
            assert article.all("h1")[0].text == help_pages.document(name).title.strip()
            assert "generated:" not in article.text
            await links_lead_somewhere(stranger, article)


async def links_lead_somewhere(stranger, article: Element) -> None:
    for link in article.all("a"):
        path, _, fragment = link.attributes["href"].partition("#")
        if path.endswith(".json"):
            answer = await stranger.get(path)
            assert answer.headers["content-type"] == "application/json"
        elif path.startswith("/help/"):
            assert fragment in ("", *ids_in(path.removeprefix("/help/"))), link.attributes
        elif not path.startswith(("https://", "mailto:")):
            assert path in ("", "/help"), link.attributes
    for picture in article.all("img"):
        answer = await stranger.get(picture.attributes["src"])
        assert answer.headers["content-type"] == "image/png"


@cache
def ids_in(name: str) -> set[str]:
    """The ids of a document's headings."""
    return set(re.findall(r'<h\d id="([^"]+)"', help_pages.document(name).html))


def topics() -> list[tuple[str, str]]:
    """Where each template's help leads to; one that depends on a format leads to each of theirs."""
    return [
        (path.relative_to(FOLDER).as_posix(), re.sub(r"{{.*?}}", name, topic))
        for path in sorted((FOLDER / "templates").rglob("*.html"))
        for topic in TOPIC.findall(path.read_text())
        for name in (FORMATS if "{{" in topic else [""])
    ]


@pytest.mark.parametrize(("template", "topic"), [one for one in topics() if one[1]])
def test_help_leads_to_a_part_of_a_document(template: str, topic: str):
    name, _, fragment = topic.removeprefix("/").partition("#")

    assert name in help_pages.names()
    assert fragment in ("", *ids_in(name))


def test_every_page_of_an_account_says_what_its_help_is():
    silent = {
        path.name
        for path in (FOLDER / "templates").rglob("*.html")
        if "{% block title %}" in (text := path.read_text()) and not TOPIC.search(text)
    }

    strangers = {
        "forgotten_password.html",
        "invitation.html",
        "new_password.html",
        "sign_in.html",
        "sign_in_code.html",
        "signed_out.html",
    }
    assert silent <= {*strangers, "home.html", "error.html", "help.html", "base.html"}


async def test_help_is_listed_and_leads_nowhere_else(stranger, ada):
    listed = await page_at(stranger, "/help")
    here = await page_at(ada, "/accounts/1/webhooks/new?format=slack")

    links = [one.attributes["href"] for one in listed.main.one("nav").all("a")]
    assert links == [f"/help/{one}" for one in help_pages.DOCUMENTS]
    assert here.root.one("a", class_="help-link").attributes["href"] == "/help/formats/slack"
    for path in ("nothing", "../pyproject", "decisions/README", "formats/../../../etc/passwd"):
        assert (await stranger.get(f"/help/{path}")).status_code == 404


def test_the_list_has_the_order_of_the_index_of_documents():
    index = (Path(__file__).parents[2] / "docs" / "index.md").read_text()
    places = [index.find(f"]({name}.md)") for name in help_pages.DOCUMENTS]

    assert min(places) > 0
    assert places == sorted(places)


def test_the_documents_of_a_wheel_are_those_of_a_checkout():
    """What is served is named in the build's configuration, folder by folder."""
    built = (Path(__file__).parents[2] / "pyproject.toml").read_text()

    for name in help_pages.DOCUMENTS:
        part = f"docs/{name.partition('/')[0]}" if "/" in name else f"docs/{name}.md"
        assert f'"{part}" = "runhook/{part}"' in built
