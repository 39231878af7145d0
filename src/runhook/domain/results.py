"""What a reporter tells of dbt's nodes, read with care: its results may hold anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runhook.domain.artifacts import (
    KINDS_OF_STATUS,
    MESSAGE_CHARACTERS,
    NAME_CHARACTERS,
    SHOWN_NODES,
    FailedNode,
    shorten,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResults:
    """What is known of a run's nodes."""

    counts: Mapping[str, int] | None
    """How many nodes ended in which status; None if nobody knows."""
    failed: tuple[FailedNode, ...] = ()
    """The first ones, at most ``SHOWN_NODES``."""
    failed_total: int = 0


def read_results(results: Mapping[str, object] | None) -> NodeResults:
    """Return what a reporter's summary tells of nodes, bounded whatever it holds."""
    told = results or {}
    counts = {
        shorten(status, NAME_CHARACTERS): count
        for status, count in mapping(told, "counts").items()
        if isinstance(count, int) and not isinstance(count, bool)
    }
    failed = [node for node in sequence(told, "failed") if isinstance(node, Mapping)]
    return NodeResults(
        counts=dict(list(counts.items())[:KINDS_OF_STATUS]) if "counts" in told else None,
        failed=tuple(failed_node(node) for node in failed[:SHOWN_NODES]),
        failed_total=max(number(told, "failed_total"), len(failed)),
    )


def failed_node(node: Mapping[str, object]) -> FailedNode:
    """Return a node that failed, its texts not longer than they are told."""
    return FailedNode(
        unique_id=shorten(text(node, "unique_id"), NAME_CHARACTERS),
        resource_type=shorten(text(node, "resource_type"), NAME_CHARACTERS),
        status=shorten(text(node, "status"), NAME_CHARACTERS),
        message=shorten(text(node, "message"), MESSAGE_CHARACTERS),
    )


def text(values: Mapping[str, object], key: str) -> str:
    """Return a text, empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def number(values: Mapping[str, object], key: str) -> int:
    """Return a whole number, 0 if there is none."""
    value = values.get(key)
    return value if isinstance(value, int) else 0


def mapping(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return an object, empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def sequence(values: Mapping[str, object], key: str) -> Sequence[object]:
    """Return a list, empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, list) else ()
