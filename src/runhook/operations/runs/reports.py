"""What reporters say of runs, and what they are answered."""

from dataclasses import dataclass

from runhook.domain.errors import RunhookError
from runhook.domain.people.callers import RUNHOOK, Actor
from runhook.domain.runs.run import (
    AccountId,
    FinishReport,
    ProgressReport,
    Run,
    RunId,
    StartReport,
)


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """A run has started."""

    account_id: AccountId
    report: StartReport
    actor: Actor = RUNHOOK
    trace: str | None = None
    """What the report belongs to, as `traceparent`; so in the others."""


@dataclass(frozen=True, eq=False, slots=True)
class Finish:
    """A run is over."""

    account_id: AccountId
    run_id: RunId
    report: FinishReport
    actor: Actor = RUNHOOK
    trace: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Cancel:
    """Somebody asks for a run to be canceled."""

    account_id: AccountId
    run_id: RunId
    actor: Actor = RUNHOOK


@dataclass(frozen=True, eq=False, slots=True)
class Canceling:
    """A run's reporter says that somebody cancels it where it runs."""

    account_id: AccountId
    run_id: RunId
    actor: Actor = RUNHOOK


@dataclass(frozen=True, eq=False, slots=True)
class Heartbeat:
    """A run's reporter is alive, and may say how far the run has come."""

    account_id: AccountId
    run_id: RunId
    report: ProgressReport | None = None
    actor: Actor = RUNHOOK


Change = Finish | Cancel | Canceling | Heartbeat
Report = Start | Change


@dataclass(frozen=True, slots=True)
class Reported:
    """The run as it is after a report, and whether the report brought it into being."""

    run: Run
    is_new: bool = False


Answers = dict[Report, Reported | RunhookError]
RunKey = tuple[AccountId, str]
