"""One neutral message of an event or a notice, from which formats for people make theirs.

All of it is plain text without markup; names and messages in it may be anybody's, and each format
escapes each value where it puts it into its own markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from urllib.parse import quote

from runhook.domain.dbt.artifacts import FailedNode
from runhook.domain.dbt.node_facts import Owner
from runhook.domain.dbt.results import NodeResults, has_warned, read_node_results
from runhook.domain.messages.links import links_of
from runhook.domain.messages.mentions import mentioned
from runhook.domain.messages.notices import Deactivation, MissedRun, Notice
from runhook.domain.messages.telling import Telling, WebhookId
from runhook.domain.messages.text import clean, first_line, fit, one_line
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import AccountId, Job, Run, RunId, RunOutcome, RunStatus
from runhook.domain.spans import span_text

NAME_CHARACTERS = 150
JOB_CHARACTERS, ENVIRONMENT_CHARACTERS = 80, 40
"""Of names in a headline, so that what happened is in it wherever it is cut."""
WORD_CHARACTERS = 60
MOST_OWNERS = 3
MOST_EXPOSURES = 5
WARN = "warn"
REASON_CHARACTERS = 1_000
NODE_MESSAGE_CHARACTERS = 500
URL_CHARACTERS = 2_000
"""Of a link: what most services take. A format names its own limit if it is a smaller one."""
URL_SAFE = "%/:?#[]@!$&'()*+,;=~"
KINDS_TOLD = 6
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class Status(StrEnum):
    """What has happened to a job, or to a webhook."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    WARNED = "succeeded with warnings"
    FAILED = "failed"
    """dbt ran, and nodes failed."""
    ERRORED = "errored"
    """dbt could not run, was killed, or is lost."""
    CANCELED = "canceled"
    MISSED = "missed"
    """A run that was expected has not started."""
    RECOVERED = "recovered"
    """The first success after a failure."""
    DEACTIVATED = "deactivated"
    """A webhook was, for its endpoint's failures."""


class Severity(StrEnum):
    """How much a message asks of its readers; formats have a colour for each."""

    NEUTRAL = "neutral"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


SEVERITIES = {
    Status.STARTED: Severity.NEUTRAL,
    Status.SUCCEEDED: Severity.GOOD,
    Status.WARNED: Severity.WARNING,
    Status.FAILED: Severity.BAD,
    Status.ERRORED: Severity.BAD,
    Status.CANCELED: Severity.NEUTRAL,
    Status.MISSED: Severity.BAD,
    Status.RECOVERED: Severity.GOOD,
    Status.DEACTIVATED: Severity.WARNING,
}
HEADLINES = {
    Status.STARTED: "\N{BLACK RIGHT-POINTING TRIANGLE} {job} started in {environment}",
    Status.SUCCEEDED: "\N{CHECK MARK} {job} succeeded in {environment}",
    Status.WARNED: "\N{WARNING SIGN} {job} succeeded with warnings in {environment}",
    Status.FAILED: "\N{BALLOT X} {job} failed in {environment}",
    Status.ERRORED: "\N{BALLOT X} {job} errored in {environment}",
    Status.CANCELED: "\N{BLACK SQUARE} {job} was canceled in {environment}",
    Status.MISSED: "\N{BALLOT X} {job} did not start in {environment}",
    Status.RECOVERED: "\N{CHECK MARK} {job} is well again in {environment}",
    Status.DEACTIVATED: "\N{WARNING SIGN} The webhook {webhook} was deactivated",
}
STATUS_OF_ENDING = {
    RunStatus.SUCCESS: Status.SUCCEEDED,
    RunStatus.ERROR: Status.ERRORED,
    RunStatus.CANCELLED: Status.CANCELED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A value with its name, such as a run's duration."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that failed or warned; an empty text or tuple is what is not known."""

    unique_id: str
    resource_type: str
    status: str
    name: str
    """dbt's name of it."""
    message: str
    """In one line."""
    owners: tuple[str, ...] = ()
    """Whose it is, by name, and by address or group where there is no name."""
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    path: str = ""
    package: str = ""
    exposures: tuple[str, ...] = ()
    """Those downstream of it, by name."""

    @property
    def label(self) -> str:
        """Its name, and whose it is."""
        return f"{self.name} ({', '.join(self.owners)})" if self.owners else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where to go on reading, as a button or below the text."""

    title: str
    url: str
    """`https://` or `http://`; of what markup uses it has `& ( ) [ ] * _ ~ #`, no `< > | "` and no
    spaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Neutral message that each format renders."""

    event_type: EventType
    status: Status
    headline: str
    """In one line, such as `✗ nightly failed in prod`."""
    reason: str = ""
    """Why, in a sentence or some lines."""
    facts: tuple[Fact, ...] = ()
    nodes: tuple[Node, ...] = ()
    """Those that failed; of a run that succeeded with warnings, those that warned."""
    more_nodes: int = 0
    """Number of further nodes that are not in ``nodes``."""
    mentions: tuple[str, ...] = ()
    """Ids of the service, of whom these nodes concern. The webhook's owner chose them all."""
    run_link: Link | None = None
    trigger_link: Link | None = None
    correlation_key: str
    """Equal for all messages about one job in one environment; ASCII, at most 100 characters."""
    account_id: AccountId
    job: Job | None = None
    """Its names are cleaned and shortened; None where it is about no job."""
    run: Run | None = None
    """As reported, so that its texts may hold anything; None where it is about no run."""
    run_id: RunId | None = None
    webhook_id: WebhookId | None = None
    """Which webhook it is about, if it is about one."""
    occurred_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def severity(self) -> Severity:
        """Severity: how urgently people should act."""
        return SEVERITIES[self.status]

    @property
    def is_over(self) -> bool:
        """Whether it tells of a success: what was wrong with the job is over."""
        return self.status in {Status.SUCCEEDED, Status.WARNED, Status.RECOVERED}

    @property
    def outcome(self) -> str:
        """How it went, in one line, such as `Failed in 4 min 12 s: 2 of 46 nodes failed`."""
        duration = next((one.value for one in self.facts if one.name == "Duration"), "")
        status = Status.SUCCEEDED if self.status is Status.RECOVERED else self.status
        told = status.value.capitalize() + (f" in {duration}" if duration else "")
        why = one_line(self.reason)
        return f"{told}: {why}" if why else told

    @property
    def links(self) -> tuple[Link, ...]:
        """Links of the message, the most useful first."""
        return tuple(one for one in (self.run_link, self.trigger_link) if one is not None)


def message_of(event: Event | Notice, telling: Telling) -> Message:
    """Message about an event or a notice."""
    message = real_message_of(event, telling)
    return sample_of(message, telling) if telling.is_sample else message


def sample_of(message: Message, telling: Telling) -> Message:
    """Message that joins nothing, though a real run may have the same number."""
    page = telling.public_url and f"{telling.public_url}/accounts/{message.account_id}/runs"
    return replace(
        message,
        run_id=None,
        run_link=link("Open the runs", page),
        correlation_key=f"{message.correlation_key}-test",
    )


def real_message_of(event: Event | Notice, telling: Telling) -> Message:
    """Message about what has happened."""
    match event:
        case Event():
            return message_of_run(event, telling)
        case MissedRun():
            return message_of_missed(event, telling)
        case Deactivation():
            return message_of_deactivation(event, telling)
        case unknown:
            assert_never(unknown)


def message_of_run(event: Event, telling: Telling) -> Message:
    """Message about a run."""
    run, job = event.run, shown_job(event.run.job)
    status = status_of(event, has_recovered=telling.has_recovered)
    results = read_node_results(run.results)
    links = links_of(run, telling.public_url)
    failed = SEVERITIES[status] is Severity.BAD
    nodes, more_nodes = nodes_told(status, results)
    return Message(
        event_type=event.type,
        status=status,
        headline=headline_of(status, job),
        reason=reason_of(run) if failed or status is Status.CANCELED else "",
        facts=facts_of(job, run, results, nodes),
        nodes=nodes,
        more_nodes=more_nodes,
        mentions=mentioned(all_nodes(results), telling.mention) if nodes else (),
        run_link=link("Open the run", links.page),
        trigger_link=link("Open what started it", links.trigger),
        correlation_key=key_of_job(run.account_id, run.job),
        account_id=run.account_id,
        job=job,
        run=run,
        run_id=run.id,
        occurred_at=event.occurred_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )


def message_of_missed(notice: MissedRun, telling: Telling) -> Message:
    """Message about a run that was expected."""
    job = shown_job(notice.job)
    page = telling.public_url and notice.last_run_id is not None
    return Message(
        event_type=notice.type,
        status=Status.MISSED,
        headline=headline_of(Status.MISSED, job),
        reason=f"It was expected by {moment(notice.expected_at)}.",
        facts=facts(
            ("Project", job.project_name),
            ("Expected every", span_text(notice.expectation.every)),
            ("Missed so far", str(notice.missed_count)),
            ("Last started", moment(notice.last_started_at) if notice.last_started_at else ""),
        ),
        run_link=link(
            "Open the last run",
            f"{telling.public_url}/accounts/{notice.account_id}/runs/{notice.last_run_id}"
            if page
            else None,
        ),
        correlation_key=key_of_job(notice.account_id, notice.job),
        account_id=notice.account_id,
        job=job,
        occurred_at=notice.occurred_at,
    )


def message_of_deactivation(notice: Deactivation, telling: Telling) -> Message:
    """Message about a webhook that was deactivated."""
    name = fit(one_line(notice.webhook_name), NAME_CHARACTERS)
    page = telling.public_url and (
        f"{telling.public_url}/accounts/{notice.account_id}/webhooks/{notice.webhook_id}"
    )
    return Message(
        event_type=notice.type,
        status=Status.DEACTIVATED,
        headline=HEADLINES[Status.DEACTIVATED].format(webhook=name),
        reason=fit(clean(notice.reason).strip(), REASON_CHARACTERS),
        facts=facts(
            ("Failing since", moment(notice.failing_since)),
            ("Consecutive failures", str(notice.consecutive_failures)),
        ),
        run_link=link("Open the webhook", page),
        correlation_key=f"runhook-{notice.account_id}-{notice.webhook_id}",
        account_id=notice.account_id,
        webhook_id=notice.webhook_id,
        occurred_at=notice.occurred_at,
    )


def headline_of(status: Status, job: Job) -> str:
    """Headline of a message about a job."""
    return HEADLINES[status].format(
        job=fit(job.name, JOB_CHARACTERS),
        environment=fit(job.environment_name, ENVIRONMENT_CHARACTERS),
    )


def status_of(event: Event, *, has_recovered: bool) -> Status:
    """What an event says of its job."""
    run = event.run
    if event.type is EventType.STARTED:
        return Status.STARTED
    if event.type is EventType.CANCELED:
        return Status.CANCELED
    if run.outcome is RunOutcome.FAILED:
        return Status.FAILED
    status = STATUS_OF_ENDING.get(run.status, Status.ERRORED)
    if status is not Status.SUCCEEDED:
        return status
    if has_recovered:
        return Status.RECOVERED
    return Status.WARNED if has_warned(run.results) else status


def key_of_job(account_id: AccountId, job: Job) -> str:
    """Key that joins the messages about a job in its environment."""
    return f"runhook-{account_id}-job-{job.id}-environment-{job.environment_id}"


def shown_job(job: Job) -> Job:
    """A job with its names as they are shown."""
    return Job(
        id=job.id,
        name=shown_name(job.name),
        project_id=job.project_id,
        project_name=shown_name(job.project_name),
        environment_id=job.environment_id,
        environment_name=shown_name(job.environment_name),
    )


def shown_name(name: str) -> str:
    """A name in one line; what cannot be seen has a sign in its place."""
    return fit(one_line(name), NAME_CHARACTERS) or "\N{EN DASH}"


def facts_of(job: Job, run: Run, results: NodeResults, nodes: Sequence[Node]) -> tuple[Fact, ...]:
    """Facts about a run beside its failures."""
    trigger = run.trigger
    counts = list((results.counts or {}).items())
    told = [f"{count} {one_line(status)}" for status, count in counts[:KINDS_TOLD]]
    exposures = dict.fromkeys(name for one in nodes for name in one.exposures)
    return facts(
        ("Project", job.project_name),
        ("Duration", span(run.finished_at - run.started_at) if run.finished_at else ""),
        ("Trigger", shown(run.run_reason)),
        ("Nodes", ", ".join(told)),
        ("Downstream", ", ".join(list(exposures)[:MOST_EXPOSURES])),
        ("Started by", shown(trigger.system) if trigger else ""),
        ("dbt", shown(run.dbt_version)),
    )


def facts(*pairs: tuple[str, str]) -> tuple[Fact, ...]:
    """The facts that are known."""
    return tuple(Fact(name=name, value=value) for name, value in pairs if value)


def reason_of(run: Run) -> str:
    """Why a run failed or was canceled, in the words of who reported it."""
    return fit(clean(run.status_message or "").strip(), REASON_CHARACTERS)


def nodes_told(status: Status, results: NodeResults) -> tuple[tuple[Node, ...], int]:
    """The nodes to show, and how many others there are."""
    if SEVERITIES[status] is Severity.BAD:
        nodes = tuple(map(node_of, results.failed))
        return nodes, results.failed_total - len(nodes)
    if status is Status.WARNED:
        nodes = tuple(map(node_of, results.warned))
        return nodes, max(0, (results.counts or {}).get(WARN, 0) - len(nodes)) if nodes else 0
    return (), 0


def all_nodes(results: NodeResults) -> tuple[FailedNode, ...]:
    """List the nodes that failed or warned, shown or not."""
    return (*results.failed, *results.warned, *results.others)


def node_of(node: FailedNode) -> Node:
    """Lines about a node that failed or warned."""
    facts = node.facts
    return Node(
        unique_id=shown(node.unique_id),
        resource_type=shown(node.resource_type),
        status=shown(node.status),
        name=name_of(node.unique_id),
        message=fit(first_line(node.message), NODE_MESSAGE_CHARACTERS),
        owners=labels_of(facts.owners),
        groups=tuple(map(short, facts.groups)),
        tags=tuple(map(short, facts.tags)),
        path=shown(facts.path),
        package=short(facts.package),
        exposures=tuple(short(one.name) for one in facts.exposures),
    )


def labels_of(owners: Sequence[Owner]) -> tuple[str, ...]:
    """What the first owners are called, each once."""
    return tuple(dict.fromkeys(filter(None, (short(one.label) for one in owners))))[:MOST_OWNERS]


def name_of(unique_id: str) -> str:
    """Name of a node in dbt, which its unique_id has behind its kind and package."""
    parts = unique_id.split(".", 2)
    name = parts[2] if len(parts) == 3 else unique_id
    # A generic test has a hash behind its name; a singular test and a model may have dots in it.
    if parts[0] == "test" and len(parts) == 3:
        before, _, digest = name.rpartition(".")
        name = before if before and len(digest) == 10 else name
    return shown_name(name)


def shown(text: str) -> str:
    """Put a short text in one line."""
    return fit(one_line(text), NAME_CHARACTERS)


def short(text: str) -> str:
    """A text of which several stand beside each other."""
    return fit(one_line(text), WORD_CHARACTERS)


def link(title: str, url: str | None) -> Link | None:
    """Make a link of an address; None if there is none, or one too long for a service."""
    quoted = quote(url or "", safe=URL_SAFE, errors="replace")
    if not 0 < len(quoted) <= URL_CHARACTERS:
        return None
    return Link(title=title, url=quoted)


def moment(time: datetime) -> str:
    """Write a time for people who may be anywhere."""
    return time.strftime("%Y-%m-%d %H:%M UTC")


def span(duration: timedelta) -> str:
    """Write a duration such as `4 min 12 s`, in its two largest units."""
    seconds = max(0, round(duration.total_seconds()))
    parts = []
    for size, unit in UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def and_more(count: int) -> str:
    """Say how many nodes are not shown."""
    return f"and {count} more"
