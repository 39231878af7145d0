"""Whom a message mentions: ids of the service, which a webhook has for dbt's owners and groups.

What is mentioned are only these ids. Nothing that dbt or a project says becomes a mention; it only
chooses among them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import cast

from runhook.domain.dbt.artifacts import FailedNode
from runhook.domain.errors import InvalidError
from runhook.domain.options.kinds import Typed
from runhook.domain.runs.node_filters import check_text

MOST = 100
MOST_MENTIONED = 10
LONGEST_ID = 100

Mention = Mapping[str, str]
"""Ids, by the names or e-mail addresses of owners, or the names of groups."""


@dataclass(frozen=True)
class Mentions(Typed[Mention]):
    """Ids by names; the form has a pair a line."""

    rows = 3
    wire = dict[str, str]

    def read(self, value: object) -> Mention:
        given = cast(Mention, value)
        if len(given) > MOST:
            raise InvalidError(f"{len(given)} are too many; {MOST} at most")
        found = {check_text(name): one.strip() for name, one in given.items()}
        for name, one in found.items():
            if not one or len(one) > LONGEST_ID or not one.isprintable():
                raise InvalidError(f"what `{name}` has is not an id")
        return found

    def write(self, value: Mention) -> dict[str, str]:
        return dict(value)

    def show(self, value: object) -> str:
        return "\n".join(f"{name}: {one}" for name, one in cast(Mention, value).items())

    def understand(self, text: str) -> dict[str, str]:
        pairs = {}
        for line in text.splitlines():
            # A name may have colons in it, an id has none.
            name, colon, one = line.rpartition(":")
            if line.strip() and not colon:
                raise InvalidError(f"`{line.strip()[:40]}` is not of the form `Name: id`")
            if line.strip():
                pairs[name.strip()] = one.strip()
        return pairs


def mentioned(nodes: Iterable[FailedNode], mention: Mention) -> tuple[str, ...]:
    """List the ids of those whose nodes these are, each once."""
    if not mention:
        return ()
    ids = {name.casefold(): one for name, one in mention.items()}
    found = dict.fromkeys(ids[name] for node in nodes for name in names_of(node) if name in ids)
    return tuple(islice(found, MOST_MENTIONED))


def names_of(node: FailedNode) -> list[str]:
    """List the names by which a node's owners and groups are known, in lower case."""
    owners = [text for one in node.facts.owners for text in (one.name, one.email)]
    return [text.casefold() for text in (*owners, *node.facts.groups) if text]
