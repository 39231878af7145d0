"""The pages of formats that people read show how a message looks, in a picture.

It is of the sketch that the create page has, taken by Chromium. Pixels differ between machines, so
that the picture holds the digest of what it was taken of. After an intended change, take them anew
with

    RUNHOOK_WRITE_SNAPSHOTS=1 pytest tests/docs/test_pictures_of_messages.py
"""

import hashlib
import os
import re
import struct
import zlib
from pathlib import Path

import pytest
from examples.chromium import chromium

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Look
from runhook.domain.messages.message import message_of
from runhook.domain.runs.events import Event
from runhook.server.web.page.rendering import FOLDER, template_config
from tests.docs.documents import REPOSITORY
from tests.formats import stories

WRITE = "RUNHOOK_WRITE_SNAPSHOTS"
PAGES = REPOSITORY / "docs" / "formats"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"Source digest"
MARGIN = 12
"""Around the messages, in pixels."""
STYLES = (FOLDER / "static" / "runhook.css").read_text()
RULE = re.compile(r"^\.sketch[^{]*\{[^}]*\}", re.MULTILINE)


@pytest.mark.parametrize("look", Look)
async def test_each_look_of_a_message_has_a_picture_of_the_sketch_as_it_is_today(look):
    picture = PAGES / "pictures" / f"{look}.png"
    source = sketches(look)
    if os.environ.get(WRITE):
        picture.write_bytes(with_text(await taken(source), KEYWORD, digest_of(source)))

    assert text_in(picture, KEYWORD) == digest_of(source), f"write it anew with {WRITE}=1"


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.look is not None])
def test_the_page_of_each_format_that_people_read_shows_the_picture_of_its_look(name):
    assert f"(pictures/{FORMATS[name].look}.png)" in (PAGES / f"{name}.md").read_text()


def sketches(look: Look) -> str:
    """A failure, and the success after it, as HTML."""
    failure = sketch(look, stories.failed())
    return failure + sketch(look, stories.succeeded(run_id=813), has_recovered=True)


def sketch(look: Look, event: Event, *, has_recovered: bool = False) -> str:
    engine = template_config().engine_instance.engine
    macros = engine.get_template("webhooks/_sketch.html").module
    return str(macros.sketch(message_of(event, stories.telling(has_recovered=has_recovered)), look))


def digest_of(source: str) -> bytes:
    """Of the sketches, and of the rules that are theirs alone."""
    rules = "\n".join(RULE.findall(STYLES))
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
