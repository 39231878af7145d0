"""The pictures that other programs show of the pages, made from the one icon: `make icons`."""

import asyncio
import struct
from dataclasses import dataclass
from pathlib import Path

from examples.chromium import chromium
from playwright.async_api import Browser

STATIC = Path(__file__).parents[1] / "src/runhook/server/web/static"
HOOK = (STATIC / "icon.svg").read_text()
RUST = "#b4441c"
PREVIEW = f"""
<body style="margin:0; display:grid; place-content:center; justify-items:start; gap:28px;
  height:100vh; padding:0 90px; box-sizing:border-box; background:#171614; color:#efece7;
  font:400 36px/1.45 system-ui, sans-serif">
  <div style="display:flex; align-items:center; gap:32px; font-size:104px; font-weight:700">
    <div style="width:120px; height:120px">{HOOK}</div>Runhook</div>
  <div>Webhooks for the dbt runs you run yourself.<br>What happened, who was told, what they
    answered.</div>
</body>
"""


@dataclass(frozen=True)
class Picture:
    """A file, as large as this, that shows this page."""

    name: str
    width: int
    height: int
    html: str
    is_transparent: bool = False


def whole(share: int, ground: str = "transparent") -> str:
    """A page that the icon fills, in per cent of its width."""
    return (
        f'<body style="margin:0; display:grid; place-content:center; height:100vh; '
        f'background:{ground}"><div style="width:{share}vw; height:{share}vw">{HOOK}</div></body>'
    )


PICTURES = [
    Picture("favicon.ico", 32, 32, whole(100), is_transparent=True),
    Picture("icon-180.png", 180, 180, whole(100, RUST)),
    Picture("icon-192.png", 192, 192, whole(100), is_transparent=True),
    Picture("icon-512.png", 512, 512, whole(100), is_transparent=True),
    # Android cuts a shape out of it, of which the middle 80 % are always left.
    Picture("icon-maskable.png", 512, 512, whole(72, RUST)),
    Picture("preview.png", 1200, 630, PREVIEW),
]


async def draw(browser: Browser, picture: Picture) -> None:
    """Draw a picture into the folder of static files."""
    page = await browser.new_page(viewport={"width": picture.width, "height": picture.height})
    await page.set_content(picture.html)
    drawn = await page.screenshot(omit_background=picture.is_transparent)
    await page.close()
    is_icon = picture.name.endswith(".ico")
    (STATIC / picture.name).write_bytes(icon_of(drawn, picture.width) if is_icon else drawn)


def icon_of(png: bytes, size: int) -> bytes:
    """An ICO file that holds one PNG: a directory of one entry, and the picture."""
    entry = struct.pack("<4B2H2I", size, size, 0, 0, 1, 32, len(png), 6 + 16)
    return struct.pack("<3H", 0, 1, 1) + entry + png


async def main() -> None:
    """Draw them all."""
    async with chromium() as browser:
        for picture in PICTURES:
            await draw(browser, picture)


if __name__ == "__main__":
    asyncio.run(main())
