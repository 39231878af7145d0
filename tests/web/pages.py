"""Pages as a browser has them: found by what is on them, and filled in."""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.support.api import ORIGIN, Api

VOID = {"meta", "link", "input", "br", "hr", "img"}
FIELDS = {"input", "select", "textarea"}


class Element:
    """An element, with what is in it."""

    def __init__(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    @property
    def text(self) -> str:
        """Its text, with single spaces."""
        words = " ".join(one if isinstance(one, str) else one.text for one in self.children)
        return " ".join(words.split())

    def all(self, tag: str | None = None, **attributes: str) -> list["Element"]:
        """What is in it with this tag and these attributes; `class_` is one of several."""
        return [one for one in self._within() if one._is(tag, attributes)]

    def one(self, tag: str | None = None, **attributes: str) -> "Element":
        """The only such element."""
        (only,) = self.all(tag, **attributes)
        return only

    def _within(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child._within()

    def _is(self, tag: str | None, attributes: Mapping[str, str]) -> bool:
        def value_of(name: str) -> list[str]:
            value = self.attributes.get(name.rstrip("_").replace("_", "-"))
            return [] if value is None else value.split() if name == "class_" else [value]

        return tag in (None, self.tag) and all(
            wanted in value_of(name) for name, wanted in attributes.items()
        )


class Page(HTMLParser):
    """Reads a page, and refuses one whose elements are not closed in order."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        self.response = response
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(response.text)
        assert [one.tag for one in self._open] == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    @property
    def main(self) -> Element:
        return self.root.one("main")

    @property
    def heading(self) -> str:
        return self.root.one("h1").text

    @property
    def said(self) -> str:
        """What it says of what was just done; empty for nothing."""
        return " ".join(one.text for one in self.main.all("p", class_="done"))

    @property
    def deliveries(self) -> list[Element]:
        """The rows of the log that is shown, without its headings."""
        return [one for one in self.main.all("tr") if "data-id" in one.attributes]

    def form(self, action: str | None = None) -> Element:
        """The only form in the content, or the one with this action."""
        where = self.main if action is None else self.root
        return where.one("form", **({} if action is None else {"action": action}))

    def error_of(self, name: str) -> str:
        """What stands beside a field that is wrong, as it is read out with the field."""
        (field,) = (one for one in self.root.all(name=name) if one.tag in FIELDS)
        if field.attributes.get("aria-invalid") != "true":
            return ""
        described = [
            self.root.one(id=name) for name in field.attributes["aria-describedby"].split()
        ]
        return " ".join(one.text for one in described if one.attributes["class"] == "error")


def browser(api: Api, *, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A browser without any cookie, at an IP address."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api.app, client=(address, 4_711)),
        base_url=ORIGIN,
        headers={"Accept": "text/html,*/*;q=0.8"},
    )


async def submit(
    client: httpx.AsyncClient, page: Page, form: Element | None = None, **typed: str | list[str]
) -> httpx.Response:
    """Fill in the page's form and send it, as a browser would."""
    form = form or page.form()
    fields = fields_of(form)
    assert typed.keys() <= fields.keys()
    target = page.response.url.join(form.attributes.get("action", ""))
    return await client.request(
        form.attributes["method"],
        target,
        data={**fields, **typed},
        headers={"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"},
    )


def fields_of(form: Element) -> dict[str, Any]:
    """What a form's fields hold; several boxes of one name make a list."""
    fields: dict[str, Any] = {}
    for one in form.all():
        name = one.attributes.get("name")
        if one.tag not in FIELDS or name is None:
            continue
        if one.attributes.get("type") == "checkbox":
            ticked = fields.setdefault(name, [])
            if "checked" in one.attributes:
                ticked.append(one.attributes["value"])
        elif one.tag == "select":
            options = one.all("option")
            chosen = [option for option in options if "selected" in option.attributes]
            fields[name] = [*chosen, *options][0].attributes["value"]
        elif one.tag == "textarea":
            fields[name] = "".join(str(text) for text in one.children).removeprefix("\n")
        else:
            fields[name] = one.attributes.get("value", "")
    return fields


async def page_at(client: httpx.AsyncClient, path: str, code: int = 200) -> Page:
    """The page at a path."""
    response = await client.get(path)
    assert response.status_code == code, response.text
    return Page(response)


async def page_after(client: httpx.AsyncClient, response: httpx.Response) -> Page:
    """The page that a browser is sent on to."""
    return await page_at(client, led_to(response))


def led_to(response: httpx.Response) -> str:
    """The path that a browser is sent on to."""
    assert response.status_code == 303, response.text
    return response.headers["location"]
