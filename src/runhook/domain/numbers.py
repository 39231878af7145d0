"""Numbers that come from outside, and how large they may be."""

LARGEST_ID = 2**63 - 1
"""What both databases can look for."""
NO_ID = 0
"""What nothing has as its id."""


def is_number(text: str) -> bool:
    """Whether a text is made of the digits 0 to 9, and of nothing else that Python reads."""
    return text.isascii() and text.isdigit()


def number_in(text: str, *, most: int = LARGEST_ID) -> int | None:
    """Return the number that a text spells, None if it is none or larger than ``most``.

    Leading zeros do not count. What is long is never converted: Python refuses numbers of
    thousands of digits with an error of its own.
    """
    digits = text.lstrip("0") or text[:1]
    if not is_number(digits) or len(digits) > len(str(most)):
        return None
    number = int(digits)
    return number if number <= most else None


def id_in(text: str) -> int | None:
    """Return the id that a text spells, ``NO_ID`` if none can be so large; None for no number."""
    if not is_number(text):
        return None
    number = number_in(text)
    return NO_ID if number is None else number
