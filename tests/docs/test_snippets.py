"""Each snippet of each page is run by a test, which `tests/docs/snippets.py` names."""

import pytest

from tests.docs.documents import REPOSITORY
from tests.docs.snippets import RUN_BY, every_snippet

SNIPPETS = list(every_snippet())


def test_each_snippet_of_a_page_is_run_by_one_test():
    assert [one for one in SNIPPETS if len(one.run_by) != 1] == []


@pytest.mark.parametrize("page", RUN_BY)
def test_a_snippet_is_found_by_words_that_its_test_knows(page: str):
    texts = [one.text for one in SNIPPETS if one.page == page]

    for words, test in RUN_BY[page].items():
        assert any(words in text for text in texts), words
        known = (REPOSITORY / test).read_text().replace("\\n", "\n")
        assert words in known, f"{test} has no {words}"
