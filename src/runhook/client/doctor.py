"""Check what a run started here would report, and what could prevent it.

Reports nothing: the service is asked to start a run without a job, and by refusing that confirms
address, account and token.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import strerror, urandom

from runhook.client.dbt.surroundings import Surroundings
from runhook.client.origin.facts import StartFact, advice_for, start_facts, system_of
from runhook.client.origin.systems import LaunchContext, this_place
from runhook.client.reporting.service import (
    NOT_FOUND,
    Accepted,
    RequestFailed,
    Service,
    UnusableError,
    connect_service,
)
from runhook.client.reporting.spool import Destination, Spool
from runhook.client.run.nesting import RUN_VARIABLE, OuterRun, outer_run
from runhook.client.settings import ClientSettings, ServiceSettings, working_folder
from runhook.domain.secrets.redaction import Redactor

REQUEST_SECONDS = 10.0
UNAUTHORIZED, FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check."""

    name: str
    is_fine: bool
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Facts that a run from here would report, and the results of all checks."""

    facts: Mapping[str, StartFact]
    checks: Sequence[Check]

    @property
    def are_fine(self) -> bool:
        """Whether all checks passed."""
        return all(check.is_fine for check in self.checks)


def examine(
    settings: ClientSettings,
    environ: Mapping[str, str],
    command: Sequence[str],
    remarks: Sequence[str] = (),
) -> Findings:
    """Run all checks; no secret is in their results.

    Args:
        settings: as `runhook run` would have them here.
        environ: the environment of that run.
        command: the command of that run.
        remarks: warnings about ignored variables.
    """
    around = Surroundings(command, environ, working_folder(environ))
    chosen = filter(None, (settings.job, settings.project, settings.environment))
    redact = Redactor(environ, names=chosen)
    place = this_place(environ)
    facts = start_facts(settings, around, place, redact)
    checks = [
        check_job(facts, outer_run(environ)),
        *check_service(settings.service, environ),
        check_spool(settings.service),
        check_command(command, environ, around),
        *check_run_variable(environ),
        *(Check("setting", is_fine=True, message=remark) for remark in remarks),
    ]
    return Findings(
        {"found": StartFact(place_name(place), "what starts dbt"), **facts},
        [Check(one.name, one.is_fine, redact(one.message)) for one in checks],
    )


def place_name(place: LaunchContext) -> str:
    """Name of the system that was recognised."""
    return system_of(place).name


def check_job(facts: Mapping[str, StartFact], outer: OuterRun | None) -> Check:
    """Check that the run's job has a name; a step needs none."""
    if outer is not None:
        return Check("job", is_fine=True, message=f"within a run ({RUN_VARIABLE}): a step of it")
    name = facts["job_name"].value
    if advice_for(facts) is None:
        return Check("job", is_fine=True, message=name)
    message = f"it has no name, so its runs are listed as `{name}`; give --job or RUNHOOK_JOB"
    return Check("job", is_fine=False, message=message)


def check_service(settings: ServiceSettings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Check that the service answers, and that it accepts the token for the account."""
    try:
        service = connect_service(settings, environ)
    except UnusableError as error:
        yield Check("service", is_fine=False, message=str(error))
        return
    answer = service.start_run({}, timeout=REQUEST_SECONDS)
    through = f" through the proxy {service.proxy}" if service.proxy else ""
    if isinstance(answer, RequestFailed) and answer.status is None:
        message = f"{service.name}{through}: {answer.reason}"
        yield Check("service", is_fine=False, message=message)
        return
    yield Check("service", is_fine=True, message=f"{service.name} answers{through}")
    yield check_token(service, answer)


def check_token(service: Service, answer: Accepted | RequestFailed) -> Check:
    """Check the token, by the answer to a request without a job."""
    account = f"account {service.destination.account_id}"
    if isinstance(answer, RequestFailed) and answer.is_refused:
        return Check("token", is_fine=True, message=f"may report runs of {account}")
    if isinstance(answer, Accepted):
        message = "the service accepted a report without a job; is it Runhook?"
        return Check("token", is_fine=False, message=message)
    remedy = {
        UNAUTHORIZED: "; check RUNHOOK_TOKEN",
        FORBIDDEN: "; give the token the permission set job_runner",
        NOT_FOUND: f"; {account} is not the token's, check RUNHOOK_ACCOUNT_ID",
    }.get(answer.status or 0, "")
    return Check("token", is_fine=False, message=f"{answer.reason.rstrip('.')}{remedy}")


def check_spool(settings: ServiceSettings) -> Check:
    """Check that the spool can be written, and count the runs in it."""
    folder = settings.spool_folder
    if folder is None:
        message = "there is no home folder; set RUNHOOK_SPOOL_DIR"
        return Check("spool", is_fine=False, message=message)
    spool = Spool(folder)
    waiting = spool.count()
    try:
        tried = spool.keep(urandom(16).hex(), Destination(service="", account_id=""))
    except OSError as error:
        why = strerror(error.errno) if error.errno else type(error).__name__
        return Check("spool", is_fine=False, message=f"{folder} cannot be written: {why}")
    tried.remove()
    tried.close()
    rest = f"; {waiting} run(s) wait in it, see `runhook flush`" if waiting else ""
    return Check("spool", is_fine=True, message=f"{folder}{rest}")


def check_command(
    command: Sequence[str], environ: Mapping[str, str], around: Surroundings
) -> Check:
    """Check that the program is in PATH."""
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        return Check("command", is_fine=False, message=f"{command[0]}: not found in PATH")
    version = around.dbt_version()
    return Check("command", is_fine=True, message=f"{program}{version and f', version {version}'}")


def check_run_variable(environ: Mapping[str, str]) -> Iterator[Check]:
    """Warn if RUNHOOK_RUN names a run that is over or unknown."""
    if environ.get(RUN_VARIABLE) and outer_run(environ) is None:
        message = (
            f"{RUN_VARIABLE} names no run under way; `runhook run` would report a run of its own"
        )
        yield Check("run", is_fine=True, message=message)
