"""Facts about a run's start, each with its source.

A flag wins over a RUNHOOK_ variable, that over a name that people already use (``USUAL_NAMES``),
that over what the system that starts dbt tells.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from runhook.client.dbt.calls import DBT_COMMANDS, dbt_calls
from runhook.client.dbt.surroundings import UNKNOWN, Surroundings
from runhook.client.origin.systems import (
    OTHER,
    SCHEDULED,
    SYSTEMS,
    USUAL_NAMES,
    LaunchContext,
    System,
)
from runhook.client.settings import ClientSettings
from runhook.domain.dbt.artifacts import shorten

NOTHING = System(name="nothing", found_by="", reason=(SCHEDULED,))
"""What starts dbt where nothing is recognised; dbt Cloud's most frequent reason fits best."""
NOTHING_SAYS_IT = "nothing says it"
NAME_CHARACTERS = 255
REASON_CHARACTERS = 2_000
SHORT_CHARACTERS = 64
LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class StartFact:
    """A value, and its source."""

    value: str
    source: str


def system_of(place: LaunchContext) -> System:
    """Find the innermost system that is recognised."""
    return next((one for one in SYSTEMS if place.fill(one.found_by)), NOTHING)


def find_job_name(place: LaunchContext) -> StartFact | None:
    """The job's name from the environment, where neither flag nor variable gives one."""
    return first(place, lambda row: place.first_of(row.job_name))


def unnamed(command: Sequence[str]) -> str:
    """Job name for a command that nothing names: `unnamed (dbt build)`."""
    call = next(iter(dbt_calls(command)), None)
    if call is None:
        what = PurePath(command[0]).name
    else:
        verb = next((word for word in call.words if word in DBT_COMMANDS), "")
        what = f"dbt {verb}".strip()
    return f"unnamed ({what})"


def advice_for(facts: Mapping[str, "StartFact"]) -> str | None:
    """Say how to name a job that nothing names; None if something does."""
    job = facts.get("job_name")
    if job is None or job.source != NOTHING_SAYS_IT:
        return None
    return (
        f"nothing names this job, so that its runs go under `{job.value}`; "
        "give --job NAME or set RUNHOOK_JOB"
    )


def start_facts(
    settings: ClientSettings,
    around: Surroundings,
    place: LaunchContext,
    redact: Callable[[str], str],
) -> dict[str, StartFact]:
    """Collect the facts about a run's start; unknown ones are missing."""
    found = {
        "job_name": given_fact(settings.job, "--job or RUNHOOK_JOB")
        or find_job_name(place)
        or StartFact(unnamed(around.command), NOTHING_SAYS_IT),
        "project_name": given_fact(settings.project, "--project or RUNHOOK_PROJECT")
        or found_around(around.project_name(), "dbt_project.yml"),
        "environment_name": given_fact(settings.environment, "--environment or RUNHOOK_ENVIRONMENT")
        or first(place, lambda row: environment_name(place, row))
        or found_around(around.environment_name(), "dbt's target"),
        "run_reason": given_fact(settings.reason, "--reason")
        or first(place, lambda row: run_reason(place, row)),
        "dbt_version": given_fact(around.dbt_version(), "the installation"),
        **trigger_facts(place),
    }
    return fit_facts(found, redact)


def fit_facts(
    facts: Mapping[str, StartFact | None], redact: Callable[[str], str]
) -> dict[str, StartFact]:
    """Drop missing facts, remove secrets, and shorten to what the service accepts.

    Names are as people chose them, so nothing in one is treated as a secret.
    """
    return {
        name: StartFact(
            shorten(
                fact.value if name in CHOSEN else redact(fact.value),
                LIMITS.get(name, NAME_CHARACTERS),
            ),
            fact.source,
        )
        for name, fact in facts.items()
        if fact is not None and fact.value
    }


CHOSEN = frozenset({"job_name", "project_name", "environment_name"})


LIMITS = {
    "run_reason": REASON_CHARACTERS,
    "link": REASON_CHARACTERS,
    "dbt_version": SHORT_CHARACTERS,
    "system": SHORT_CHARACTERS,
    "category": SHORT_CHARACTERS,
    "commit": SHORT_CHARACTERS,
}
TRIGGER = ("system", "external_id", "attempt", "category", "pull_request", "link", "commit")
NUMBERS = {"attempt", "pull_request"}


def as_start(facts: Mapping[str, StartFact]) -> dict[str, object]:
    """Body of a start report."""
    body: dict[str, object] = {
        name: fact.value for name, fact in facts.items() if name not in TRIGGER
    }
    trigger = {
        name: int(facts[name].value) if name in NUMBERS else facts[name].value
        for name in TRIGGER
        if name in facts
    }
    if trigger:
        body["trigger"] = trigger
    return body


def trigger_facts(place: LaunchContext) -> dict[str, StartFact | None]:
    """Facts about what triggered the run."""
    system = system_of(place)
    return {
        "system": None if system is NOTHING else StartFact(system.name, "what was recognised"),
        "external_id": first(place, lambda row: place.fill(row.external_id)),
        "attempt": first(place, lambda row: number_at_end(place.fill(row.attempt))),
        "category": first(place, lambda row: category_of(place, row)),
        "pull_request": first(place, lambda row: number_at_end(place.fill(row.pull_request))),
        "link": first(place, lambda row: place.fill(row.link)),
        "commit": first(place, lambda row: place.fill(row.commit)),
    }


def first(place: LaunchContext, tell: Callable[[System], str]) -> StartFact | None:
    """The first value found in the usual names, then in the system."""
    for row in (USUAL_NAMES, system_of(place)):
        if value := tell(row):
            return StartFact(value, row.name)
    return None


def given_fact(value: str | None, source: str) -> StartFact | None:
    """A fact from a flag or variable; None if it was not given."""
    return StartFact(value, source) if value else None


def found_around(value: str, source: str) -> StartFact:
    """A fact from dbt's files and flags; dbt's default has no source."""
    return StartFact(value, NOTHING_SAYS_IT if value == UNKNOWN else source)


def environment_name(place: LaunchContext, row: System) -> str:
    """The environment that dbt Cloud's variable names."""
    return place.fill("{DBT_CLOUD_ENVIRONMENT_NAME}") if row is USUAL_NAMES else ""


def run_reason(place: LaunchContext, row: System) -> str:
    """Reason for the run, in words."""
    if category_of(place, row) == SCHEDULED and not row.has_own_words:
        return SCHEDULED
    return next(filter(None, map(place.fill, row.reason)), "")


def category_of(place: LaunchContext, row: System) -> str:
    """Kind of trigger, as dbt Cloud calls it."""
    if row.category:
        return place.fill(row.category)
    named = place.fill(row.category_of)
    if row is USUAL_NAMES or not named:
        return named
    found = (word for start, word in row.categories.items() if named.startswith(start))
    return next(found, OTHER)


def number_at_end(text: str) -> str:
    """The number that a text is, or ends with as an address does; empty if there is none."""
    found = re.search(r"(?:^|/)(\d{1,10})/?$", text)
    return found[1] if found and int(found[1]) <= LARGEST_NUMBER else ""
