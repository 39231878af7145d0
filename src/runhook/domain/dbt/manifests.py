"""Look nodes up in dbt's manifest.json, which may have hundreds of megabytes, without loading it.

Every object that matters has a ``unique_id``, with dbt Core and with v2. One pass over the bytes
notes where these stand; the few objects that are wanted are then decoded, each by itself, and what
leads from them to the exposures is read from ``child_map`` an entry at a time.

A text in which a manifest is quoted is not a trap, as its quotes are escaped. Objects in somebody's
``meta`` could look like a node, so one that is there twice is not believed.

A service reads manifests of strangers, so that what looking up may cost is bounded as a whole. What
is beyond that is not found.
"""

import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import BinaryIO

from runhook.domain.dbt.json_pieces import Pieces
from runhook.domain.dbt.node_facts import (
    MOST_ATTACHED,
    MOST_EXPOSURES,
    MOST_GROUPS,
    MOST_OWNERS,
    MOST_TAGS,
    Exposure,
    NodeFacts,
    Owner,
    list_of_texts,
    owners_in,
    several,
    text_of,
)

WINDOW = 1 << 20
"""Bytes that are looked at together."""
LONGEST_ID = 2_000
OVERLAP = 4 * LONGEST_ID
KEY = b'"unique_id"'
VALUE = re.compile(rb'\s{0,8}:\s{0,8}"((?:[^"\\]|\\.){1,%d})"' % LONGEST_ID)
CHILDREN = b'"child_map"'
OPENING = re.compile(rb"\s{0,8}:\s{0,8}(?=\{)")
LOOKED_BACK = (1 << 12, 1 << 16, 1 << 20)
"""How far before a ``unique_id`` its object may begin; it is one of the first of its keys."""
LARGEST_OBJECT = 16 << 20
MOST_SITES = 4
MOST_IDS = 100_000
"""Some times what a manifest of 50 MB has."""
MOST_LINKS = 2_000_000
MOST_WORK = 256 << 20
"""Bytes that are read to look things up, beside the pass over all; usually a few millions."""
WORK_OF_A_TRY = 1 << 10
"""What another place of a key counts for, in bytes."""
IGNORED = (b"macro.", b"doc.")
TESTS = frozenset({"test", "unit_test"})
LONGEST_TEXT = 1 << 14
"""Characters of a text, before secrets are taken from it and it is shortened."""
MOST_VALUES = 100
KEPT_KEYS = (
    "unique_id",
    "name",
    "resource_type",
    "package_name",
    "original_file_path",
    "group",
    "owner",
    "tags",
    "meta",
    "source_meta",
    "config",
    "depends_on",
    "attached_node",
)
"""Of an object; the code of many nodes is large."""

Json = Mapping[str, object]


class CostlyError(ValueError):
    """The look-up has read more than its limit."""


class Metered:
    """Reads a file up to a number of bytes.

    Args:
        file: the file.
        left: how many bytes may be read.
    """

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left

    def seek(self, at: int) -> None:
        """Go on from a place."""
        self._file.seek(at)

    def read(self, size: int) -> bytes:
        """Read some bytes.

        Raises:
            CostlyError: they are too many.
        """
        self.spend(size)
        return self._file.read(size)

    def spend(self, size: int) -> None:
        """Count work as if so many bytes were read; raises as ``read``."""
        self._left -= size
        if self._left < 0:
            raise CostlyError


class Manifest:
    """A manifest.json that is open.

    Args:
        file: it; read from any place.
        largest_object: how many characters an object may have that is looked at.
    """

    def __init__(self, file: BinaryIO, *, largest_object: int = LARGEST_OBJECT) -> None:
        self._largest_object = largest_object
        self._sites: dict[bytes, list[int]] = {}
        self._child_maps: list[int] = []
        self._note_sites(file)
        self._file = Metered(file, MOST_WORK)

    def objects(self, unique_ids: Iterable[str]) -> dict[str, Json]:
        """Look up objects by unique_id; ambiguous and unreadable ones are left out."""
        found = ((one, self._object(one)) for one in dict.fromkeys(unique_ids))
        return {unique_id: value for unique_id, value in found if value is not None}

    def ids_of(self, kind: str) -> Iterator[str]:
        """Yield the unique_ids of a kind of objects, such as `exposure`."""
        prefix = f"{kind}.".encode()
        for literal in self._sites:
            if literal.startswith(prefix):
                yield id_of(literal)

    def children(self) -> dict[str, tuple[str, ...]]:
        """What depends on what, without tests; empty if the manifest does not say so."""
        for at in self._child_maps:
            try:
                if found := dict(self._children_at(at)):
                    return found
            except (ValueError, TypeError, RecursionError):
                continue
        return {}

    def _children_at(self, at: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        names: dict[str, str] = {}
        links = 0
        self._file.seek(at)
        pieces = Pieces(self._file)
        for key in pieces.entries():
            value = pieces.value()
            if not isinstance(value, list) or "." not in key:
                raise TypeError("no map of children")
            leading = [
                names.setdefault(one, one)
                for one in value
                if isinstance(one, str) and one.partition(".")[0] not in TESTS
            ]
            links += len(leading)
            if len(names) > MOST_IDS or links > MOST_LINKS:
                raise CostlyError
            if leading:
                yield names.setdefault(key, key), tuple(leading)

    def _note_sites(self, file: BinaryIO) -> None:
        """Note where each ``unique_id`` stands, and where ``child_map`` may begin."""
        for start in range(0, file.seek(0, io.SEEK_END), WINDOW):
            file.seek(start)
            window = file.read(WINDOW + OVERLAP)
            at = window.find(KEY)
            while 0 <= at < WINDOW:
                value = VALUE.match(window, at + len(KEY))
                if value and not (literal := value[1]).startswith(IGNORED):
                    sites = self._sites.get(literal)
                    if sites is None:
                        if len(self._sites) < MOST_IDS:
                            self._sites[literal] = [start + at]
                    elif len(sites) < MOST_SITES:
                        sites.append(start + at)
                at = window.find(KEY, at + len(KEY))
            at = window.find(CHILDREN)
            while 0 <= at < WINDOW:
                opening = OPENING.match(window, at + len(CHILDREN))
                if opening and len(self._child_maps) < MOST_SITES:
                    self._child_maps.append(start + opening.end())
                at = window.find(CHILDREN, at + len(CHILDREN))

    def _object(self, unique_id: str) -> Json | None:
        try:
            return self._only_object(unique_id)
        except CostlyError:
            return None

    def _only_object(self, unique_id: str) -> Json | None:
        literals = {json.dumps(unique_id, ensure_ascii=one)[1:-1] for one in (True, False)}
        found: dict[int, Json] = {}
        for literal in (one.encode(errors="surrogatepass") for one in literals):
            for site in self._sites.get(literal, ()):
                begins = self._beginning(literal, site)
                if begins is None or begins in found:
                    continue
                value = self._decode(begins)
                if value is not None and value.get("unique_id") == unique_id:
                    found[begins] = value
        return next(iter(found.values())) if len(found) == 1 else None

    def _beginning(self, literal: bytes, site: int) -> int | None:
        """Where the object begins whose ``unique_id`` is at a site and that is called so."""
        key = b'"%s"' % literal
        for distance in LOOKED_BACK:
            start = max(0, site - distance)
            before = self._read(start, site - start)
            at = before.rfind(key)
            while at >= 0:
                opening = OPENING.match(before, at + len(key))
                if opening:
                    return start + opening.end()
                self._file.spend(WORK_OF_A_TRY)
                at = before.rfind(key, 0, at)
            if start == 0:
                break
        return None

    def _decode(self, at: int) -> Json | None:
        self._file.seek(at)
        try:
            value = Pieces(self._file, largest=self._largest_object, step=1 << 14).value()
        except CostlyError:
            # The object was not looked at, so that another of its name is not the only one.
            raise
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        return {key: value[key] for key in KEPT_KEYS if key in value}

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)


def id_of(literal: bytes) -> str:
    """The text that stands between quotes in JSON."""
    try:
        return str(json.loads(b'"%s"' % literal))
    except ValueError:
        return ""


def facts_in(
    file: BinaryIO,
    unique_ids: Collection[str],
    redact: Callable[[str], str],
    *,
    largest_object: int = LARGEST_OBJECT,
) -> dict[str, NodeFacts]:
    """What a manifest says of nodes that failed or warned, by their unique_ids.

    Args:
        file: the manifest.json.
        unique_ids: of the nodes.
        redact: takes secrets out of a text.
        largest_object: how many characters an object may have that is looked at.

    Raises:
        OSError: it cannot be read.
    """
    manifest = Manifest(file, largest_object=largest_object)
    nodes = manifest.objects(unique_ids)
    attached = {unique_id: attached_to(node) for unique_id, node in nodes.items()}
    models = manifest.objects(one for several_ in attached.values() for one in several_)
    of_all = [*nodes.values(), *models.values()]
    groups = manifest.objects(filter(None, map(group_id_of, of_all)))
    downstream = Downstream(manifest, redact)
    return {
        unique_id: facts_of_node(
            node,
            [models[one] for one in attached[unique_id] if one in models],
            groups,
            downstream.exposures_of([unique_id, *attached[unique_id]]),
            redact,
        )
        for unique_id, node in nodes.items()
    }


def attached_to(node: Json) -> tuple[str, ...]:
    """The unique_ids of what a test tests; none for what is not a test."""
    if text_of(node.get("resource_type")) not in TESTS:
        return ()
    attached_node = node.get("attached_node")
    if isinstance(attached_node, str) and attached_node:
        return (attached_node[:LONGEST_ID],)
    depends_on = node.get("depends_on")
    parents = depends_on.get("nodes") if isinstance(depends_on, dict) else None
    listed = parents if isinstance(parents, list) else []
    return several((one[:LONGEST_ID] for one in listed if isinstance(one, str)), MOST_ATTACHED)


def group_id_of(node: Json) -> str | None:
    """The unique_id of a node's group."""
    group, package = setting_of(node, "group"), node.get("package_name")
    if not isinstance(group, str) or not group or not isinstance(package, str):
        return None
    return f"group.{package}.{group}"


def setting_of(node: Json, name: str) -> object:
    """A node's value of what may also stand in its ``config``."""
    return node.get(name) or config_of(node).get(name)


def facts_of_node(
    node: Json,
    models: Sequence[Json],
    groups: Mapping[str, Json],
    exposures: Sequence[Exposure],
    redact: Callable[[str], str],
) -> NodeFacts:
    """What is known of a node and of the models that it tests."""
    both = [node, *models]
    files = models if len(models) == 1 else [node]

    def told(value: object) -> object:
        return redacted(value, redact)

    return NodeFacts(
        groups=several(
            (one for each in both for one in list_of_texts(told(setting_of(each, "group")))),
            MOST_GROUPS,
        ),
        owners=several(
            (owner for each in both for owner in owners_of(each, groups, told)), MOST_OWNERS
        ),
        tags=several(
            (one for each in both for one in list_of_texts(told(setting_of(each, "tags")))),
            MOST_TAGS,
        ),
        path=text_of(told(files[0].get("original_file_path"))),
        package=text_of(told(node.get("package_name"))),
        attached_to=tuple(text_of(one.get("unique_id")) for one in models),
        exposures=tuple(exposures),
    )


def owners_of(
    node: Json, groups: Mapping[str, Json], told: Callable[[object], object]
) -> Iterator[Owner]:
    """Yield the owner of a node's group, and those that its ``meta`` names."""
    group = groups.get(group_id_of(node) or "")
    if group is not None:
        yield from owners_in(told(group.get("owner")), text_of(told(group.get("name"))))
    for meta in (node.get("meta"), config_of(node).get("meta"), node.get("source_meta")):
        if isinstance(meta, dict):
            yield from owners_in(told(meta.get("owner")))


def config_of(node: Json) -> Json:
    """A node's configuration, empty if it has none."""
    config = node.get("config")
    return config if isinstance(config, dict) else {}


def redacted(value: object, redact: Callable[[str], str], depth: int = 3) -> object:
    """Remove secrets from a value; of what is large or deep, keep the beginning."""
    if isinstance(value, str):
        return redact(value[:LONGEST_TEXT])
    if isinstance(value, list) and depth:
        return [redacted(one, redact, depth - 1) for one in value[:MOST_VALUES]]
    if isinstance(value, dict) and depth:
        pairs = list(value.items())[:MOST_VALUES]
        return {redact(key[:LONGEST_TEXT]): redacted(one, redact, depth - 1) for key, one in pairs}
    return None if isinstance(value, list | dict) else value


class Downstream:
    """Knows which exposures are made of a node's data."""

    def __init__(self, manifest: Manifest, redact: Callable[[str], str]) -> None:
        self._manifest = manifest
        self._exposures = frozenset(manifest.ids_of("exposure"))
        self._children = manifest.children() if self._exposures else {}
        self._redact = redact
        self._read: dict[str, Exposure] = {}
        self._below: dict[str, tuple[str, ...]] = {}

    def exposures_of(self, unique_ids: Iterable[str]) -> tuple[Exposure, ...]:
        """The exposures downstream of any of these, the direct ones first."""
        if not self._children:
            return ()
        ids = (one for each in unique_ids for one in self._ids_below(each))
        return tuple(self._exposure(one) for one in several(ids, MOST_EXPOSURES))

    def _ids_below(self, root: str) -> tuple[str, ...]:
        """The exposures below a node; each node is worked out once, its children first."""
        ways = [root]
        entered = set()
        while ways:
            node = ways[-1]
            children = self._children.get(node, ())
            if node not in entered:
                entered.add(node)
                ways += [one for one in children if one not in self._below and one not in entered]
                continue
            ways.pop()
            if node not in self._below:
                direct = [one for one in children if one in self._exposures]
                others = (one for child in children for one in self._below.get(child, ()))
                self._below[node] = several(chain(direct, others), MOST_EXPOSURES)
        return self._below[root]

    def _exposure(self, unique_id: str) -> Exposure:
        if unique_id not in self._read:
            exposure = self._manifest.objects([unique_id]).get(unique_id, {})
            owner = next(owners_in(redacted(exposure.get("owner"), self._redact)), Owner())
            name = exposure.get("name") or unique_id.rpartition(".")[2]
            self._read[unique_id] = Exposure(
                name=text_of(redacted(name, self._redact)),
                owner_name=owner.name,
                owner_email=owner.email,
            )
        return self._read[unique_id]
