"""What holds for every page: it says whom it is for, and can be looked through."""

import re

import pytest

from tests.docs.contents import LONG
from tests.docs.documents import FENCED, REPOSITORY, headings, name_of

DOCS = REPOSITORY / "docs"
FOR_READERS = [
    *sorted(set(DOCS.glob("*.md")) - {DOCS / "index.md"}),
    *(DOCS / folder / "README.md" for folder in ("formats", "guides", "questions")),
]
LONGEST = 300
"""Lines that a page has without a table of contents."""


@pytest.mark.parametrize("page", FOR_READERS, ids=name_of)
def test_a_page_says_first_whom_it_is_for(page):
    title, first, *_ = page.read_text().split("\n\n")

    assert title.startswith("# ")
    assert re.match(r"For [a-z]", first)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_a_long_page_has_a_table_of_contents(page):
    text = page.read_text()

    assert page in LONG or text.count("\n") <= LONGEST
    assert page not in LONG or len(headings(FENCED.sub("", text), level=2)) >= 3


def test_the_readme_is_read_in_a_few_minutes():
    assert (REPOSITORY / "README.md").read_text().count("\n") <= 120
