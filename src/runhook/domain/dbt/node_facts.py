"""Owners and exposures of a node from dbt's manifest, reported beside its result.

Anything may stand in a project's files, and so in these texts. They are bounded where they are
read: by the client from a manifest, and by the service from a report.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

TEXT_CHARACTERS = 200
MOST_GROUPS = 5
MOST_OWNERS = 5
MOST_OTHER_KEYS = 6
MOST_TAGS = 20
MOST_ATTACHED = 5
MOST_EXPOSURES = 10
EMAIL = re.compile(r"[^@\s<>]{1,100}@[^@\s<>]{1,100}")
MAILBOX = re.compile(rf"(?P<name>[^<>]{{1,{TEXT_CHARACTERS}}}?)\s*<(?P<email>{EMAIL.pattern})>")
HANDLE = re.compile(r"@\S{1,100}")
SEPARATOR = re.compile(r"[,;]")
LONGEST_LIST = 2_000
"""Characters of a text that may list several owners."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns a node: the owner of its group, or one that its ``meta.owner`` names."""

    name: str = ""
    email: str = ""
    group: str = ""
    """Empty for an owner that ``meta.owner`` names."""
    more: Mapping[str, str] = field(default_factory=dict)
    """What a project says of its owners besides, such as `slack`."""

    @property
    def label(self) -> str:
        """What people call the owner; empty if nothing is known that could be said."""
        return self.name or self.email or self.group or next(iter(self.more.values()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What is made of a node's data, directly or by others, such as a dashboard."""

    name: str
    owner_name: str = ""
    owner_email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What is known of a node; a test has what the models that it tests have, too."""

    groups: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    tags: tuple[str, ...] = ()
    path: str = ""
    """Of its file in its project; of a test in a model's properties, the model's."""
    package: str = ""
    attached_to: tuple[str, ...] = ()
    """The unique_ids of what a test tests."""
    exposures: tuple[Exposure, ...] = ()
    """Those downstream."""

    @property
    def owned_by(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Whose it is, for comparison."""
        return self.groups, tuple(owner.label for owner in self.owners)


NO_FACTS = NodeFacts()


def read_facts(node: Mapping[str, object]) -> NodeFacts:
    """Read what a reporter tells of a node, bounded whatever it holds."""
    return NodeFacts(
        groups=several(list_of_texts(node.get("groups")), MOST_GROUPS),
        owners=several(map(read_owner, mappings_in(node.get("owners"))), MOST_OWNERS),
        tags=several(list_of_texts(node.get("tags")), MOST_TAGS),
        path=text_of(node.get("path")),
        package=text_of(node.get("package")),
        attached_to=several(list_of_texts(node.get("attached_to")), MOST_ATTACHED),
        exposures=several(map(read_exposure, mappings_in(node.get("exposures"))), MOST_EXPOSURES),
    )


def write_facts(facts: NodeFacts) -> dict[str, object]:
    """What is reported of a node: of each key, what is known."""
    return known(
        {
            "groups": list(facts.groups),
            "owners": [
                known(
                    {
                        "name": one.name,
                        "email": one.email,
                        "group": one.group,
                        "more": dict(one.more),
                    }
                )
                for one in facts.owners
            ],
            "tags": list(facts.tags),
            "path": facts.path,
            "package": facts.package,
            "attached_to": list(facts.attached_to),
            "exposures": [
                known(
                    {
                        "name": one.name,
                        "owner_name": one.owner_name,
                        "owner_email": one.owner_email,
                    }
                )
                for one in facts.exposures
            ],
        }
    )


def known(values: Mapping[str, object]) -> dict[str, object]:
    """The values that are not empty."""
    return {key: value for key, value in values.items() if value}


def read_owner(told: Mapping[str, object]) -> Owner:
    """Read an owner from a report."""
    return Owner(
        name=text_of(told.get("name")),
        email=text_of(told.get("email")),
        group=text_of(told.get("group")),
        more=other_keys(told.get("more")),
    )


def read_exposure(told: Mapping[str, object]) -> Exposure:
    """Read an exposure from a report."""
    return Exposure(
        name=text_of(told.get("name")),
        owner_name=text_of(told.get("owner_name")),
        owner_email=text_of(told.get("owner_email")),
    )


def owners_in(value: object, group: str = "") -> Iterator[Owner]:
    """Yield the owners in a project's own words: an object or a text, or a list of these.

    Args:
        value: of a ``meta.owner``, or of the owner of a group or an exposure.
        group: whose owners they are; empty for others.
    """
    for one in value if isinstance(value, list) else [value]:
        found = owners_in_object(one) if isinstance(one, Mapping) else owners_in_text(one)
        for owner in found:
            named = replace(owner, group=group)
            if named.label:
                yield named


def owners_in_object(value: Mapping[str, object]) -> Iterator[Owner]:
    """Yield the owner of an object; one with several addresses, as dbt allows, once for each."""
    name = text_of(value.get("name"))
    more = other_keys({key: value[key] for key in value if key not in {"name", "email"}})
    for email in list(list_of_texts(value.get("email"))) or [""]:
        yield Owner(name=name, email=email, more=more)


def owners_in_text(value: object) -> Iterator[Owner]:
    """Yield the owners of a text: several if it lists addresses or handles, or else one."""
    listed = SEPARATOR.split(value[:LONGEST_LIST]) if isinstance(value, str) else [value]
    parts = list(filter(None, map(text_of, listed)))
    for part in parts if all(map(is_addressed, parts)) else [text_of(value)]:
        mailbox = MAILBOX.fullmatch(part)
        if mailbox is not None:
            yield Owner(name=text_of(mailbox["name"].strip('"')), email=mailbox["email"])
        elif EMAIL.fullmatch(part):
            yield Owner(email=part)
        else:
            yield Owner(name=part)


def is_addressed(text: str) -> bool:
    """Whether a text is an address, a name with its address, or a handle such as `@data`."""
    return any(form.fullmatch(text) for form in (EMAIL, MAILBOX, HANDLE))


def other_keys(value: object) -> dict[str, str]:
    """The texts of an object by their names; what is not text is left out."""
    if not isinstance(value, Mapping):
        return {}
    texts = ((text_of(key), text_of(one)) for key, one in islice(value.items(), 100))
    return dict(islice(((key, one) for key, one in texts if key and one), MOST_OTHER_KEYS))


def several(values: Iterable[T], most: int) -> tuple[T, ...]:
    """The first of these values, without repetition."""
    found: list[T] = []
    for one in values:
        if len(found) == most:
            break
        if one not in found:
            found.append(one)
    return tuple(found)


def list_of_texts(value: object) -> Iterator[str]:
    """Yield the texts of a list, or a text that stands for a list of one."""
    for one in value if isinstance(value, list) else [value]:
        if text := text_of(one):
            yield text


def mappings_in(value: object) -> Sequence[Mapping[str, object]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else ()


def text_of(value: object) -> str:
    """A text that can be shown and kept, bounded; empty if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value) if not isinstance(value, str) else value[: TEXT_CHARACTERS * 4]
    text = "".join(one if one.isprintable() else " " for one in text).strip()
    return text if len(text) <= TEXT_CHARACTERS else text[: TEXT_CHARACTERS - 1] + "…"
