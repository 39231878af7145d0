"""Topics: texts by which an event finds the webhooks that may want it among all others.

A webhook has a topic for each of its event types and for each job that it is narrowed to; for each
environment if it is narrowed to no job, for each project if to no environment either. An event has
one for each of these that it could be found by. Sharing one means that the webhook may want the
event; `wants` decides.

Besides, a webhook has a topic for everything that it is narrowed to, which no event has: it is
found by that when a job, an environment or a project is to be deleted.
"""

from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, Job
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.webhooks.incidents import FAILURE_EVENTS, manner_of
from runhook.domain.webhooks.webhook import Webhook

ANY = "any"
NARROWED = "narrowed"


def topics_of_webhook(webhook: Webhook) -> frozenset[str]:
    """The topics of a webhook."""
    account_id = webhook.account_id
    wanted = {
        topic(account_id, event_type, scope)
        for event_type in heard_by(webhook)
        # Of a deactivation it is told whatever it is narrowed to.
        for scope in ([ANY] if event_type is EventType.DEACTIVATED else scopes_of_topics(webhook))
    }
    narrowed = {
        narrowed_topic(account_id, kind, one)
        for kind, ids in webhook.narrowed_to.items()
        for one in ids
    }
    return frozenset(wanted | narrowed)


def heard_by(webhook: Webhook) -> set[EventType]:
    """Which events it has to hear of; one that follows jobs, of what ends a failure, too."""
    asked = set(webhook.event_types)
    manner = manner_of(webhook)
    if manner.follows_jobs and not asked.isdisjoint(FAILURE_EVENTS):
        asked.add(EventType.COMPLETED)
        if manner.hold:
            # A run that was given up may turn out to have been canceled.
            asked.add(EventType.CANCELED)
    return asked


def topics_of_event(account_id: AccountId, event_type: EventType, job: Job | None) -> list[str]:
    """The topics of an event or a notice; a job is what it is about, if it is about one."""
    scopes = [ANY]
    if job is not None:
        scopes += [
            f"job {job.id}",
            f"environment {job.environment_id}",
            f"project {job.project_id}",
        ]
    return [topic(account_id, event_type, scope) for scope in scopes]


def scopes_of_topics(webhook: Webhook) -> list[str]:
    """The narrowest of what a webhook is narrowed to."""
    for kind, ids in webhook.narrowed_to.items():
        if ids:
            return [f"{kind} {one}" for one in ids]
    return [ANY]


def topic(account_id: AccountId, event_type: EventType, scope: str) -> str:
    """Write a topic."""
    return f"{account_id} {event_type.value} {scope}"


def narrowed_topic(account_id: AccountId, kind: ScopeKind, scope_id: int) -> str:
    """Write the topic of what is narrowed to a scope."""
    return f"{account_id} {NARROWED} {kind} {scope_id}"
