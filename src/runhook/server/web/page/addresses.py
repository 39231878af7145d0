"""Values in the addresses and forms of pages, read and written."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from litestar.datastructures import FormMultiDict, MultiDict

from runhook.server.http.request import AnyRequest

MOST_VALUES = 51
"""As many as a page of a log has rows, and the one that is open."""
LONGEST = 200
"""Characters; no value that a page reads is longer."""

Sent = MultiDict[str] | FormMultiDict
"""Values of an address or a form."""
Query = Mapping[str, Sequence[str]]
"""Values of an address, by name."""


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


def page_before(request: AnyRequest) -> str:
    """Path and query of the page of ours whose form a request is; `/` if it does not say."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return "/"
    try:
        before = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        # It is no address, as a program may send it.
        return "/"
    if before.netloc.lower() != request.headers.get("Host", "").lower():
        return "/"
    query = f"?{before.query}" if before.query else ""
    return local_path(before.path.removeprefix(request.app.state.path) + query)


def local_path(text: str) -> str:
    """The path of this service that a form names, or the first page if it names none.

    A foreign address would make a page of ours lead to one that only looks like it. Browsers take a
    backslash for a slash, and ignore control characters.
    """
    is_local = text.startswith("/") and not text.startswith("//") and "\\" not in text
    return text if is_local and text.isprintable() else "/"
