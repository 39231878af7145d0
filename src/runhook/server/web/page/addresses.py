"""What the addresses of pages and their forms hold, read and written."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from litestar.datastructures import FormMultiDict, MultiDict

MOST_VALUES = 51
"""As many as a page of a log has rows, and the one that is open."""
LONGEST = 200
"""Characters; nothing that is looked for is longer."""

Sent = MultiDict[str] | FormMultiDict
"""What an address or a form holds."""
Query = Mapping[str, Sequence[str]]
"""What an address holds, by name."""


def values_in(sent: Sent, name: str) -> Sequence[str]:
    """Values sent under a name, within bounds."""
    return [cleaned(one) for one in sent.getall(name, []) if isinstance(one, str)][:MOST_VALUES]


def value_in(sent: Sent, name: str) -> str:
    """First value sent under a name; empty if there is none."""
    return next(iter(values_in(sent, name)), "")


def cleaned(text: str) -> str:
    """Clean a text for a database."""
    return text[:LONGEST].replace("\0", "").strip()


def address_of(path: str, query: Query) -> str:
    """Build an address; empty values are left out."""
    kept = {name: [one for one in values if one] for name, values in query.items()}
    text = urlencode(kept, doseq=True)
    return f"{path}?{text}" if text else path
