"""A document's snippets, with a reader's own values in them."""

import re
from collections.abc import Mapping


def filled_in(snippet: str, own: Mapping[str, str]) -> str:
    """Replace what a document shows by one's own values, all at once.

    A value that was put in is never looked at again, and a number only counts when it is whole:
    a port such as 28580 is not 8580.
    """
    if not own:
        return snippet
    longest_first = sorted(own, key=len, reverse=True)
    shown = "|".join(re.escape(words) for words in longest_first)
    return re.sub(rf"(?<!\d)(?:{shown})(?!\d)", lambda found: own[found.group()], snippet)
