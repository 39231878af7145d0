"""What is told of a run's beginning, each fact with who says so.

A flag wins over a RUNHOOK_ variable, that over a name that people already use (``USUAL_NAMES``),
that over what the system that starts dbt tells.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from runhook.client.dbt_calls import DBT_COMMANDS, dbt_calls
from runhook.client.settings import Settings
from runhook.client.surroundings import UNKNOWN, Surroundings
from runhook.client.systems import OTHER, SCHEDULED, SYSTEMS, USUAL_NAMES, Place, System
from runhook.domain.artifacts import shorten

NOTHING = System(name="nothing", found_by="", reason=(SCHEDULED,))
"""What starts dbt where nothing is recognised; dbt Cloud's most frequent reason fits best."""
NOTHING_SAYS_IT = "nothing says it"
NAME_CHARACTERS = 255
REASON_CHARACTERS = 2_000
SHORT_CHARACTERS = 64
LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is told, and who says so."""

    value: str
    source: str


def system_of(place: Place) -> System:
    """Return the innermost system that is recognised."""
    return next((one for one in SYSTEMS if place.fill(one.found_by)), NOTHING)


def job_name(place: Place) -> Fact | None:
    """Return the job's name where nobody gave one; None if nothing says it."""
    return first(place, lambda row: place.first_of(row.job_name))


def unnamed(command: Sequence[str]) -> str:
    """Return what a job is called that nothing names."""
    call = next(iter(dbt_calls(command)), None)
    if call is None:
        what = PurePath(command[0]).name
    else:
        verb = next((word for word in call.words if word in DBT_COMMANDS), "")
        what = f"dbt {verb}".strip()
    return f"unnamed ({what})"


def advice_for(facts: Mapping[str, "Fact"]) -> str | None:
    """Say how to name a job that nothing names; None if something does."""
    job = facts.get("job_name")
    if job is None or job.source != NOTHING_SAYS_IT:
        return None
    return (
        f"nothing names this job, so that its runs go under `{job.value}`; "
        "give --job NAME or set RUNHOOK_JOB"
    )


def facts_of(
    settings: Settings, around: Surroundings, place: Place, redact: Callable[[str], str]
) -> dict[str, Fact]:
    """Return all that is told of the run's beginning; what nothing says is missing."""
    found = {
        "job_name": given(settings.job, "--job or RUNHOOK_JOB")
        or job_name(place)
        or Fact(unnamed(around.command), NOTHING_SAYS_IT),
        "project_name": given(settings.project, "--project or RUNHOOK_PROJECT")
        or found_around(around.project_name(), "dbt_project.yml"),
        "environment_name": given(settings.environment, "--environment or RUNHOOK_ENVIRONMENT")
        or first(place, lambda row: environment_name(place, row))
        or found_around(around.environment_name(), "dbt's target"),
        "run_reason": given(settings.reason, "--reason")
        or first(place, lambda row: reason_of(place, row)),
        "dbt_version": given(around.dbt_version(), "the installation"),
        **trigger_facts(place),
    }
    return fit(found, redact)


def fit(facts: Mapping[str, Fact | None], redact: Callable[[str], str]) -> dict[str, Fact]:
    """Return the facts that there are, without secrets and no longer than the service takes.

    Names are as people chose them: what looks like a secret in one is none.
    """
    return {
        name: Fact(
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


def as_start(facts: Mapping[str, Fact]) -> dict[str, object]:
    """Return the facts as the service takes them."""
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


def trigger_facts(place: Place) -> dict[str, Fact | None]:
    """Return what set the run off."""
    system = system_of(place)
    return {
        "system": None if system is NOTHING else Fact(system.name, "what was recognised"),
        "external_id": first(place, lambda row: place.fill(row.external_id)),
        "attempt": first(place, lambda row: number_in(place.fill(row.attempt))),
        "category": first(place, lambda row: category_of(place, row)),
        "pull_request": first(place, lambda row: number_in(place.fill(row.pull_request))),
        "link": first(place, lambda row: place.fill(row.link)),
        "commit": first(place, lambda row: place.fill(row.commit)),
    }


def first(place: Place, tell: Callable[[System], str]) -> Fact | None:
    """Return what the usual names tell, else the system."""
    for row in (USUAL_NAMES, system_of(place)):
        if value := tell(row):
            return Fact(value, row.name)
    return None


def given(value: str | None, source: str) -> Fact | None:
    """Return a fact that somebody gave."""
    return Fact(value, source) if value else None


def found_around(value: str, source: str) -> Fact:
    """Return what dbt's files and flags say; its default is nobody's word."""
    return Fact(value, NOTHING_SAYS_IT if value == UNKNOWN else source)


def environment_name(place: Place, row: System) -> str:
    """Return the environment that dbt Cloud's variable names."""
    return place.fill("{DBT_CLOUD_ENVIRONMENT_NAME}") if row is USUAL_NAMES else ""


def reason_of(place: Place, row: System) -> str:
    """Return the reason in words."""
    if category_of(place, row) == SCHEDULED and not row.has_own_words:
        return SCHEDULED
    return next(filter(None, map(place.fill, row.reason)), "")


def category_of(place: Place, row: System) -> str:
    """Return dbt Cloud's word for the kind of reason."""
    if row.category:
        return place.fill(row.category)
    told = place.fill(row.category_of)
    if row is USUAL_NAMES or not told:
        return told
    found = (word for start, word in row.categories.items() if told.startswith(start))
    return next(found, OTHER)


def number_in(text: str) -> str:
    """Return the number that a text is, or ends with as an address does; empty if there is none."""
    found = re.search(r"(?:^|/)(\d{1,10})/?$", text)
    return found[1] if found and int(found[1]) <= LARGEST_NUMBER else ""
