"""The site of the documents, made as by `make docs`, and read in a Chromium without a network."""

import re
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.docs.documents import REPOSITORY, headings
from tests.support.patience import PATIENCE

SPHINX = REPOSITORY / ".venv-docs" / "bin" / "sphinx-build"
NARROW = 320
DRAWN = ("outbound sender", "spool")
"""What the diagrams of the architecture name, each in its turn."""
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site; a warning, such as a link that leads nowhere, is an error."""
    [recipe] = re.findall(
        r"sphinx-build (.+?) \$\(SITE\)", (REPOSITORY / "Makefile").read_text(), re.DOTALL
    )
    flags = recipe.replace("\\\n", " ").replace("build/doctrees", f"{tmp_path}/doctrees").split()
    made = subprocess.run(
        [SPHINX, *flags, tmp_path / "site"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return tmp_path / "site"


async def test_the_site_is_searched_and_read_without_a_network(
    site: Path, browser: Browser, subtests: pytest.Subtests
):
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE * 1000)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = await context.new_page()
    await page.goto((site / "index.html").as_uri())
    await page.wait_for_url("**/docs/index.html")

    with subtests.test("a search finds the page that has the word"):
        await search(page, "jitter")
        found = page.locator("#search-results li a", has_text="Guarantees and limits")
        await found.first.click()
        assert await page.locator("h1").inner_text() == "Guarantees and limits"

    with subtests.test("the navigation has the parts of the index, in its order"):
        index = (REPOSITORY / "docs" / "index.md").read_text()
        captions = await page.locator(".sidebar-tree .caption-text").all_text_contents()
        assert captions == headings(index, level=2)

    with subtests.test("diagrams are drawn"):
        await page.goto((site / "docs" / "architecture.html").as_uri())
        drawings = await page.locator(".drawing > svg").all_text_contents()
        assert [name in text for name, text in zip(DRAWN, drawings, strict=True)] == [True, True]

    with subtests.test("no page is wider than a narrow window"):
        await page.set_viewport_size({"width": NARROW, "height": 800})
        wide = {}
        for path in sorted(site.glob("docs/**/*.html")):
            await page.goto(path.as_uri())
            width = await page.evaluate("document.documentElement.scrollWidth")
            if width > NARROW:
                wide[path.name] = width
        assert wide == {}

    with subtests.test("nothing came from elsewhere"):
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    await context.close()


async def search(page: Page, word: str) -> None:
    """Type a word into the box of every page."""
    await page.locator(".sidebar-search").fill(word)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#search-results li a")
