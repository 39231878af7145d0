"""Numbers that come from outside, and how large they may be."""

LARGEST_ID = 2**63 - 1
"""What both databases can look for."""
NO_ID = 0
"""What nothing has as its id."""


def is_number(text: str) -> bool:
    """Whether a text is made of the digits 0 to 9, and of nothing else that Python reads."""
    return text.isascii() and text.isdigit()


def number_in(text: str, *, most: int = LARGEST_ID) -> int | None:
    """Parse a whole number; None if the text is not one, or above ``most``.

    Leading zeros do not count. Long texts are never converted: Python refuses numbers of thousands
    of digits with an error of its own.
    """
    digits = text.lstrip("0") or text[:1]
    if not is_number(digits) or len(digits) > len(str(most)):
        return None
    number = int(digits)
    return number if number <= most else None


def id_in(text: str) -> int | None:
    """Parse an id; ``NO_ID`` for a number above every id, None if not a number."""
    if not is_number(text):
        return None
    number = number_in(text)
    return NO_ID if number is None else number
