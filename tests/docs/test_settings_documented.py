"""No setting without a word about it: each is named where an operator looks."""

from pathlib import Path

import pytest

from runhook.client.settings import VARIABLES as CLIENTS
from runhook.settings import SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages() -> str:
    """What operators read: the README and every page under docs/."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text(encoding="utf-8") for page in found)


@pytest.mark.parametrize(
    "variable", [*(name for setting in SETTINGS for name in setting.variables), *CLIENTS]
)
def test_the_setting_is_documented(pages: str, variable: str):
    assert f"`{variable}`" in pages
