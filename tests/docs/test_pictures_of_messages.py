"""The pages of formats show in a picture what arrives: a message as people read it, or a request.

A message's is of the sketch that the create page has. Chromium takes them. Pixels differ between
machines, so that the picture holds the digest of what it was taken of. After an intended change,
take them anew with

    RUNHOOK_WRITE_SNAPSHOTS=1 pytest tests/docs/test_pictures_of_messages.py
"""

import hashlib
import os
import re
import struct
import zlib
from html import escape
from pathlib import Path

import pytest
from examples.chromium import chromium

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Look
from runhook.domain.messages.message import message_of
from runhook.domain.runs.events import Event
from runhook.server.web.page.rendering import FOLDER, template_config
from tests.docs.documents import REPOSITORY, table_rows
from tests.docs.formats import request_text
from tests.formats import stories

WRITE = "RUNHOOK_WRITE_SNAPSHOTS"
PAGES = REPOSITORY / "docs" / "formats"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"Source digest"
PART = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FOR_PROGRAMS = [name for name, one in FORMATS.items() if one.look is None]
LINES = "white-space: pre-wrap; overflow-wrap: anywhere"
MARGIN = 12
"""Around the messages, in pixels."""
STYLES = (FOLDER / "static" / "runhook.css").read_text()
RULE = re.compile(r"^\.sketch[^{]*\{[^}]*\}", re.MULTILINE)


@pytest.mark.parametrize("look", Look)
async def test_each_look_of_a_message_has_a_picture_of_the_sketch_as_it_is_today(look):
    await assert_taken_of(sketches(look), look)


@pytest.mark.parametrize("name", FOR_PROGRAMS)
async def test_each_format_that_programs_read_has_a_picture_of_a_request_as_it_is_today(name):
    text = escape(request_text(name))
    source = f'<pre class="code-block" style="max-height: none; margin: 0; {LINES}">{text}</pre>'

    await assert_taken_of(source, f"request-{name}")


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_of_each_format_shows_its_picture(name):
    picture = f"request-{name}" if name in FOR_PROGRAMS else FORMATS[name].look

    assert f"(pictures/{picture}.png)" in (PAGES / f"{name}.md").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_of_each_format_has_steps_limits_and_what_answers_mean(name):
    parts = dict(PART.findall((PAGES / f"{name}.md").read_text()))

    assert parts["Set it up"].lstrip().startswith("1. ")
    assert "- " in parts["Limits"]
    assert len(table_rows(parts["Troubleshooting"])) > 1


async def assert_taken_of(source: str, name: str) -> None:
    """Check that a picture was taken of this HTML; take it if that is asked for."""
    picture = PAGES / "pictures" / f"{name}.png"
    digest = digest_of(source)
    if os.environ.get(WRITE):
        picture.write_bytes(with_text(await taken(source), KEYWORD, digest))

    assert text_in(picture, KEYWORD) == digest, f"write it anew with {WRITE}=1"


def sketches(look: Look) -> str:
    """A failure, and the success after it, as HTML."""
    failure = sketch(look, stories.failed())
    return failure + sketch(look, stories.succeeded(run_id=813), has_recovered=True)


def sketch(look: Look, event: Event, *, has_recovered: bool = False) -> str:
    engine = template_config().engine_instance.engine
    macros = engine.get_template("webhooks/_sketch.html").module
    return str(macros.sketch(message_of(event, stories.telling(has_recovered=has_recovered)), look))


def digest_of(source: str) -> bytes:
    """Of the HTML, and of the rules that sketches alone have."""
    rules = "\n".join(RULE.findall(STYLES)) if "sketch" in source else ""
    return hashlib.sha256(f"{source}\n{rules}".encode()).hexdigest().encode()


async def taken(source: str) -> bytes:
    """Take the picture, in light."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 640, "height": 480}, color_scheme="light")
        await page.set_content(
            f"<style>{STYLES}</style><div id=shown style='padding: {MARGIN}px'>{source}</div>"
        )
        return await page.locator("#shown").screenshot()


def with_text(png: bytes, keyword: bytes, text: bytes) -> bytes:
    """A PNG with a text in it, behind the header, which has 25 bytes."""
    assert png.startswith(SIGNATURE)
    body = b"tEXt" + keyword + b"\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = len(SIGNATURE) + 25
    return png[:end] + chunk + png[end:]


def text_in(picture: Path, keyword: bytes) -> bytes | None:
    """The text of that name in a PNG; None if there is none, or no picture."""
    if not picture.exists():
        return None
    png = picture.read_bytes()
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if kind == b"tEXt" and content.startswith(keyword + b"\0"):
            return content.removeprefix(keyword + b"\0")
        at += 12 + length
    return None
