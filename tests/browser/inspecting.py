"""What has to hold for every page, looked at on the one that is shown."""

from dataclasses import dataclass, field

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.browser.watching import Load

LARGEST = 100_000
"""Bytes of a first paint, with everything that belongs to it."""
ZOOMED = 640
"""What a window of 1280 has at 200 %."""
NARROW = 320
MOVED = 0.01
"""As Chromium scores what moves once it was painted; from 0.1 on people call it a jump."""
SHIFTS = """
new Promise((done) => {
  let score = 0;
  new PerformanceObserver((seen) => { for (const one of seen.getEntries()) score += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(score))));
})
"""


@dataclass
class Seen:
    """What was found on a page."""

    load: Load
    problems: list[str] = field(default_factory=list)


async def inspect(page: Page, seen: Seen) -> None:
    """Note what is wrong with the page that is shown."""
    if seen.load.bytes >= LARGEST:
        seen.problems.append(f"{seen.load.bytes} bytes")
    moved = await page.evaluate(SHIFTS)
    if moved > MOVED:
        seen.problems.append(f"moved by {moved}")
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        # Nothing but colours differs in the dark.
        rules = {} if theme == "light" else {"runOnly": ["color-contrast"]}
        found = await Axe().run(page, options={"resultTypes": ["violations"], **rules})
        seen.problems += [
            f"{theme}: {one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']]}"
            for one in found.response["violations"]
        ]
    for window in (ZOOMED, NARROW):
        await page.set_viewport_size({"width": window, "height": 640})
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > window:
            seen.problems.append(f"{width} wide in a window of {window}")
