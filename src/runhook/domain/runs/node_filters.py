"""Filters of nodes: whose failures and warnings a webhook hears of, and which it is shown.

A run's end passes if a node of it failed or warned that the filter lets through; nothing else of
the run is shown then. Whose a node is, its reporter has told (``node_facts``).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from runhook.domain.dbt.artifacts import (
    FAILED_STATUSES,
    NODES_IN_WORDS,
    SENTENCE_CHARACTERS,
    FailedNode,
    short_name,
    shorten,
)
from runhook.domain.dbt.node_facts import NO_FACTS, NodeFacts
from runhook.domain.dbt.results import NodeResults, read_node_results, write_node
from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Flag, Texts
from runhook.domain.runs.run import Run, RunStatus

LONGEST = 200
MOST = 100


def check_text(text: str) -> str:
    """Check a text that nodes are selected by.

    Raises:
        InvalidError: it is empty, too long, or has characters that cannot be shown.
    """
    text = text.strip()
    if not text or not text.isprintable():
        raise InvalidError("each is one line of characters that can be shown")
    if len(text) > LONGEST:
        raise InvalidError(f"{len(text)} characters are too long; {LONGEST} at most")
    return text


def texts(label: str, hint: str, help: str) -> tuple[str, ...]:  # noqa: A002 - as in `option`
    """Declare a part that is a list of texts."""
    kind = Texts(check_text, most=MOST)
    return option((), kind, label=label, hint=hint, help=help)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFilter:
    """Which nodes concern a webhook: any of each list, and all lists that are given."""

    groups: tuple[str, ...] = texts("Groups", "One a line.", "names of dbt's groups")
    owners: tuple[str, ...] = texts(
        "Owners",
        "Names or e-mail addresses, one a line.",
        "names or e-mail addresses of owners, of groups and in `meta.owner`, in any case",
    )
    tags: tuple[str, ...] = texts("Tags", "One a line.", "tags of nodes")
    paths: tuple[str, ...] = texts(
        "Paths",
        "Files or folders of the project, such as models/finance or *_daily.sql, one a line.",
        "paths of files or folders in the project, where `*` stands for anything",
    )
    packages: tuple[str, ...] = texts("Packages", "One a line.", "names of packages")
    catch_all: bool = option(
        False,  # noqa: FBT003 - it is the value
        Flag(
            "Also failures without an owner",
            "a compilation error, a killed run, or nodes that have neither owner nor group",
        ),
        label="Catch-all",
        help="whether failures without an owner are sent too: of runs that failed without a "
        "node, were killed or canceled, and of nodes that have neither owner nor group, if the "
        "other lists let them through",
    )

    @property
    def narrows(self) -> bool:
        """Whether any list is given."""
        return bool(self.groups or self.owners or self.tags or self.paths or self.packages)

    def passes(self, node: FailedNode) -> bool:
        """Whether a node that failed or warned concerns the webhook."""
        facts = node.facts
        if facts == NO_FACTS:
            return self.catch_all
        return (
            self.passes_owners(facts)
            and shares(self.tags, facts.tags)
            and (not self.paths or any(is_at(facts.path, one) for one in self.paths))
            and shares(self.packages, [facts.package])
        )

    def passes_owners(self, facts: NodeFacts) -> bool:
        """Whether a node of these groups and owners concerns the webhook."""
        if self.catch_all and not facts.groups and not facts.owners:
            return True
        owners = {text.casefold() for one in facts.owners for text in (one.name, one.email) if text}
        return shares(self.groups, facts.groups) and shares(
            [one.casefold() for one in self.owners], owners
        )


def check_node_filter(given: NodeFilter) -> NodeFilter:
    """Check that a filter narrows something.

    Raises:
        InvalidError: no list is given.
    """
    if not given.narrows:
        raise InvalidError("give `groups`, `owners`, `tags`, `paths` or `packages`")
    return given


def shares(wanted: Collection[str], there: Collection[str]) -> bool:
    """Whether any that is wanted is there; nothing wanted means everything."""
    return not wanted or any(one in there for one in wanted)


def is_at(path: str, wanted: str) -> bool:
    """Whether a file is, or is below, a path in which `*` stands for anything."""
    wanted = wanted.removesuffix("/")
    return fnmatchcase(path, wanted) or fnmatchcase(path, f"{wanted}/*")


def concerned(run: Run, node_filter: NodeFilter) -> bool:
    """Whether a run that ended concerns a webhook that has this filter."""
    results = read_node_results(run.results)
    nodes = reported_nodes(results)
    if any(node_filter.passes(one) for one in nodes):
        return True
    is_nobodys = run.status is not RunStatus.SUCCESS and not nodes and not results.failed_total
    return node_filter.catch_all and is_nobodys


def reported_nodes(results: NodeResults) -> Sequence[FailedNode]:
    """All reported nodes."""
    return [*results.failed, *results.warned, *results.others]


def narrowed_nodes(run: Run, node_filter: NodeFilter) -> Run:
    """Narrow a run to these nodes; one without nodes stays as it is."""
    results = read_node_results(run.results)
    nodes = [one for one in reported_nodes(results) if node_filter.passes(one)]
    if run.results is None or not reported_nodes(results):
        return run
    failed = [one for one in nodes if one.status in FAILED_STATUSES]
    warned = [one for one in nodes if one.status not in FAILED_STATUSES]
    about_the_run = {key: run.results[key] for key in ABOUT_THE_RUN if key in run.results}
    shown = {
        **about_the_run,
        "total": len(nodes),
        "counts": dict(Counter(one.status for one in nodes)),
        "failed_total": len(failed),
        "failed": [write_node(one) for one in failed],
        "warned": [write_node(one) for one in warned],
    }
    return replace(
        run,
        results=shown,
        status_message=filter_in_words(failed, warned) if nodes else run.status_message,
        steps=(),
    )


ABOUT_THE_RUN = (
    "available",
    "nodes_known",
    "elapsed_seconds",
    "invocation_id",
    "project_name",
    "target",
)


def filter_in_words(failed: Sequence[FailedNode], warned: Sequence[FailedNode]) -> str:
    """Name the first nodes that failed and that warned."""
    parts = [part(nodes, word) for nodes, word in ((failed, "failed"), (warned, "warned")) if nodes]
    return shorten("; ".join(parts), SENTENCE_CHARACTERS)


def part(nodes: Sequence[FailedNode], word: str) -> str:
    """Say how many nodes did so, and name the first."""
    count = f"{len(nodes)} node{'' if len(nodes) == 1 else 's'} {word}"
    names = ", ".join(short_name(one.unique_id) for one in nodes[:NODES_IN_WORDS])
    return f"{count}: {names}{', ...' if len(nodes) > NODES_IN_WORDS else ''}"
