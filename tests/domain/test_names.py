"""Which characters names may have: those that a page shows where they stand."""

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.names import check_shown


@pytest.mark.parametrize(
    "name",
    [
        "nightly",
        "Ночная сборка",
        "夜間ビルド",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u200f\u05e2\u05d1\u05e8\u05d9\u05ea",
        "👨\u200d👩\u200d👧 family",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "<!channel> & <b>",
        "é" * 200,
        "🇪🇺",
    ],
)
def test_what_people_write_names_with_is_taken(name: str):
    assert check_shown(name, field="name") == name


@pytest.mark.parametrize(
    "letter",
    ["\0", "\n", "\t", "\x7f", "\x85", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\ud800"],
)
def test_what_turns_text_around_or_cannot_be_seen_is_refused(letter: str):
    with pytest.raises(InvalidError, match=f"cannot be shown: U\\+{ord(letter):04X}"):
        check_shown(f"a{letter}b", field="name")


def test_a_description_may_have_lines():
    assert check_shown("a\n\tb", field="description", allowed="\n\r\t") == "a\n\tb"
