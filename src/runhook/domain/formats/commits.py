"""What formats have in common that show on a commit how the run of its pull request does."""

import re
from typing import TypeVar

from runhook.domain.errors import InvalidError
from runhook.domain.formats.format import Audience, Look, MessageFormat
from runhook.domain.messages.message import Message, Status
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.text import defused, fit
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Text
from runhook.domain.runs.events import Event, EventType

COMMIT = re.compile(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?")
CONTEXT_LIMIT = 100

SUCCEEDED = (Status.SUCCEEDED, Status.WARNED, Status.RECOVERED)
STATES_BEFORE_FAILURES = {Status.STARTED: "pending", **dict.fromkeys(SUCCEEDED, "success")}
"""States that all code hosts call alike."""

Settings = TypeVar("Settings")


def check_context(text: str) -> str:
    """Check the name of a status.

    Raises:
        InvalidError: it is too long, or has what cannot be shown.
    """
    text = text.strip()
    if len(text) > CONTEXT_LIMIT or not text.isprintable():
        raise InvalidError(f"it has at most {CONTEXT_LIMIT} characters, in one line")
    return text


def check_place(text: str, pattern: re.Pattern[str], what: str) -> str:
    """Check the path of a repository or project.

    Raises:
        InvalidError: it is not ``what``, or has a part that would lead elsewhere.
    """
    text = text.strip()
    if not pattern.fullmatch(text) or {"..", "."} & set(text.split("/")):
        raise InvalidError(f"`{text[:80]}` is not {what}")
    return text


def context_option() -> str:
    """Declare the setting that names the status."""
    return option(
        "",
        Text(check_context),
        label="Name of the status",
        hint="Empty is the job and its environment.",
        help="what the status is called; the job and its environment if empty",
    )


class CommitFormat(MessageFormat[Settings]):
    """A status on the commit of a pull request's run; other runs are not told."""

    audience = Audience.COMMITS
    look = Look.LINE
    is_common = True
    event_types = (
        EventType.STARTED,
        EventType.COMPLETED,
        EventType.ERRORED,
        EventType.CANCELED,
    )
    told_types = frozenset(event_types)

    def tells(self, event: Event | Notice) -> bool:
        """Whether an event is of a run of a pull request, on a commit that is known."""
        if not isinstance(event, Event) or event.run.trigger is None:
            return False
        trigger = event.run.trigger
        return trigger.pull_request is not None and bool(COMMIT.fullmatch(trigger.commit))


def commit_of(message: Message) -> str:
    """The commit, which ``tells`` has looked at."""
    assert message.run is not None
    assert message.run.trigger is not None
    return message.run.trigger.commit.lower()


def context_of(message: Message) -> str:
    """What a status is called: equal for all runs of a job in an environment."""
    job = message.job
    assert job is not None
    return fit(f"dbt: {job.name} ({job.environment_name})", CONTEXT_LIMIT)


def description_of(message: Message, limit: int) -> str:
    """Result of the run, in one line."""
    return fit(message.outcome, limit, escape=defused)


def target_of(message: Message) -> dict[str, object]:
    """URL that a status links to."""
    return {"target_url": message.run_link.url} if message.run_link else {}
