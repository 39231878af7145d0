"""Runhook's own keys about a run's nodes, in the spelling of each payload version."""

from collections.abc import Callable

from runhook.domain.dbt.artifacts import FailedNode
from runhook.domain.dbt.results import NodeResults
from runhook.domain.messages.links import Links

Spelling = Callable[[str], str]
"""Spells a key that is given in snake case."""


def snake_case(key: str) -> str:
    """Leave a key as it is given."""
    return key


def camel_case(key: str) -> str:
    """Spell a key as `failedNodes`."""
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)


def render_results(results: NodeResults, links: Links, spelled: Spelling) -> dict[str, object]:
    """Keys about a run's nodes."""
    return {
        spelled("run_url"): links.page,
        spelled("run_api_url"): links.api,
        spelled("trigger_url"): links.trigger,
        spelled("node_counts"): results.counts,
        spelled("failed_nodes_total"): results.failed_total,
        spelled("failed_nodes"): [payload_node(node, spelled) for node in results.failed],
        spelled("warned_nodes"): [payload_node(node, spelled) for node in results.warned],
    }


def payload_node(node: FailedNode, spelled: Spelling) -> dict[str, object]:
    """A node that failed or warned, with its owners; empty where they are unknown."""
    facts = node.facts
    return {
        spelled("unique_id"): node.unique_id,
        spelled("resource_type"): node.resource_type,
        "status": node.status,
        "message": node.message,
        "groups": facts.groups,
        "owners": [
            {"name": one.name, "email": one.email, "group": one.group, "more": one.more}
            for one in facts.owners
        ],
        "tags": facts.tags,
        "path": facts.path,
        "package": facts.package,
        spelled("attached_to"): facts.attached_to,
        "exposures": [
            {
                "name": one.name,
                spelled("owner_name"): one.owner_name,
                spelled("owner_email"): one.owner_email,
            }
            for one in facts.exposures
        ],
    }
