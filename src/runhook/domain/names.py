"""Names that people choose: what they may be made of, so that a page shows them as they are.

A name stands among others, so nothing in it may turn the letters around it, begin a line or be
invisible. What joins letters stays: Persian and Hindi are written with it, and families of emoji.
"""

import unicodedata

from runhook.domain.errors import InvalidError

JOINING = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""Format characters that names are written with: joiners, and marks of direction, which do not
reach beyond the letters beside them."""
TAGS = range(0xE0020, 0xE0080)
"""What flags of parts of countries are made of."""
UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of control, format and separating characters."""


def check_shown(text: str, *, field: str, allowed: str = "") -> str:
    """Check that a text has nothing that a page cannot show; return it.

    Args:
        text: what was typed.
        field: what it is, for the error.
        allowed: control characters that it may have, such as line breaks.

    Raises:
        InvalidError: it has a control character, or one that turns text around.
    """
    for letter in text:
        if not is_shown(letter) and letter not in allowed:
            raise InvalidError(
                f"some of its characters cannot be shown: U+{ord(letter):04X}", field=field
            )
    return text


def is_shown(letter: str) -> bool:
    """Whether a page shows a character where it stands, and as what it is."""
    return letter in JOINING or ord(letter) in TAGS or unicodedata.category(letter) not in UNSHOWN
