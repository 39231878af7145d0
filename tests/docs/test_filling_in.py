"""How a document's snippets are typed with a reader's own values."""

from tests.support.filling_in import filled_in


def test_a_number_within_another_stays():
    assert filled_in("8580 28580 85801", {"8580": "1"}) == "1 28580 85801"


def test_a_value_is_not_looked_at_again():
    assert filled_in("8580 rh_...", {"8580": "rh_...", "rh_...": "8580"}) == "rh_... 8580"


def test_the_longest_words_count():
    assert filled_in("/srv/shop/bin", {"/srv": "1", "/srv/shop": "2"}) == "2/bin"


def test_a_snippet_may_have_nothing_to_replace():
    assert filled_in("dbt build", {}) == "dbt build"
