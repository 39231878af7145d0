"""What entries of the audit log are about, by name and with the page of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runhook.domain.messages.telling import WebhookId
from runhook.domain.numbers import id_in
from runhook.server.web.page.showing import job_title
from runhook.server.web.page.visits import Visit
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Transaction
from runhook.storage.people.audit_log import LoggedChange
from runhook.storage.runs.jobs import NameOrder, ScopeFilter, list_jobs
from runhook.storage.webhooks.rows import find_webhooks, list_webhooks_with_deleted

PAGES = {
    "delivery": "deliveries/{}",
    "redelivery": "redeliveries/{}",
    "token": "settings/tokens",
    "member": "settings/members",
    "invitation": "settings/members",
    "account": "settings",
}
"""Under an account: the page of a subject that needs no look whether it is still there."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry is about."""

    name: str
    path: str
    """Its page; empty if it has none any more."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names of webhooks and jobs, and those of them that have a page."""

    names: Mapping[tuple[str, str], str]
    pages: Mapping[tuple[str, str], str]


async def subjects_of(
    tx: Transaction, visit: Visit, entries: Sequence[LoggedChange]
) -> Mapping[int, Subject]:
    """The subject of each entry, by the entry's number."""
    known = await known_subjects(tx, visit, entries)
    return {one.id: subject_of_entry(visit, one, known) for one in entries}


async def known_subjects(tx: Transaction, visit: Visit, entries: Sequence[LoggedChange]) -> Known:
    """Look up the webhooks and jobs that entries are about."""
    webhook_ids = [WebhookId(one) for one in ids_among(entries, "webhook")]
    job_ids = [number for one in ids_among(entries, "job") if (number := id_in(one))]
    webhooks = await list_webhooks_with_deleted(tx, visit.account_id, webhook_ids)
    there = await find_webhooks(tx, visit.account_id, webhook_ids)
    part = Slice(order=NameOrder.ID, limit=len(job_ids) or 1)
    jobs = (await list_jobs(tx, visit.account_id, ScopeFilter(ids=job_ids), part)).items
    return Known(
        names={
            **{("webhook", one.id): one.name for one in webhooks},
            **{("job", str(one.job.id)): job_title(one.job) for one in jobs},
        },
        pages={
            **{("webhook", one.id): f"{visit.root}/webhooks/{one.id}" for one in there},
            **{("job", str(one.job.id)): f"{visit.root}/jobs/{one.job.id}" for one in jobs},
        },
    )


def ids_among(entries: Sequence[LoggedChange], kind: str) -> list[str]:
    """Ids of the subjects of one kind."""
    return sorted({one.entry.subject_id for one in entries if subject_kind(one) == kind})


def subject_kind(change: LoggedChange) -> str:
    """Kind of an entry's subject, as its action begins."""
    return change.entry.action.value.partition(".")[0]


def subject_of_entry(visit: Visit, change: LoggedChange, known: Known) -> Subject:
    """Name and page of what an entry is about."""
    kind, subject_id = subject_kind(change), change.entry.subject_id
    facts = {**(change.entry.before or {}), **(change.entry.after or {})}
    told = next((facts[one] for one in ("name", "email") if facts.get(one)), subject_id)
    page = PAGES.get(kind)
    return Subject(
        name=known.names.get((kind, subject_id), str(told)),
        path=f"{visit.root}/{page.format(subject_id)}"
        if page
        else known.pages.get((kind, subject_id), ""),
    )
