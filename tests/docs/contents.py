"""Tables of contents of pages that are too long to be looked through."""

from pathlib import Path

from tests.docs.documents import FENCED, REPOSITORY, anchor_of, headings

LONG = [
    REPOSITORY / "docs" / f"{name}.md"
    for name in ("api", "operations", "reporting", "formats/teams")
]
"""The pages that have one."""


def of_page(path: Path) -> str:
    """Links to a page's parts."""
    parts = headings(FENCED.sub("", path.read_text()), level=2)
    return "\n".join(f"- [{one}](#{anchor_of(one)})" for one in parts) + "\n"
