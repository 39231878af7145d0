"""Settings of `runhook run`: from its flags first, then from the environment."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPOOL_VARIABLE = "RUNHOOK_SPOOL_DIR"
UPLOAD_VARIABLE = "RUNHOOK_UPLOAD_ARTIFACTS"
VARIABLES = (
    "RUNHOOK_URL",
    "RUNHOOK_TOKEN",
    "RUNHOOK_TOKEN_FILE",
    "RUNHOOK_ACCOUNT_ID",
    "RUNHOOK_JOB",
    "RUNHOOK_PROJECT",
    "RUNHOOK_ENVIRONMENT",
    SPOOL_VARIABLE,
    UPLOAD_VARIABLE,
    "RUNHOOK_RUN",
    "RUNHOOK_WEBHOOK_SECRET",
    "RUNHOOK_WEBHOOK_SECRET_FILE",
)
"""Every variable that a command of the client reads or sets."""
DEFAULT_URL = "http://127.0.0.1:8580"
GRACE_SECONDS = 20.0
"""Below the 30 s that Kubernetes leaves, above the 3 s that dbt v2 takes to cancel its queries."""
GITHUB_GRACE_SECONDS = 6.0
"""GitHub kills 7.5 s after it first asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Which service to report to, and where reports are kept until it accepts them."""

    url: str
    account_id: str
    spool_folder: Path | None
    """None where the user has no home: reports then wait in memory only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Settings of one `runhook run`.

    ``None`` means not given: ``surroundings`` decides.
    """

    service: ServiceSettings
    job: str | None
    project: str | None
    environment: str | None
    reason: str | None
    grace: float
    """Seconds between the polite SIGINT and the signal that was really meant."""
    messages: bool = True
    """Whether to report dbt's messages about failed nodes; they may hold SQL and rows."""
    upload_artifacts: bool = False
    """Whether dbt's files are attached to the run."""
    allow_cancel: bool = False
    """Whether users of the service may interrupt dbt."""
    give_up_after: str | None = None
    """How long the service waits for the end of a run that has no process, in words."""


def read_settings(flags: Namespace, environ: Mapping[str, str]) -> ClientSettings:
    """Combine flags and environment; a command need not have all flags."""
    told = told_by(flags)
    usual_grace = GITHUB_GRACE_SECONDS if environ.get("GITHUB_ACTIONS") else GRACE_SECONDS
    return ClientSettings(
        service=read_service_settings(flags, environ),
        job=told.get("job") or variable(environ, "RUNHOOK_JOB"),
        project=told.get("project") or variable(environ, "RUNHOOK_PROJECT"),
        environment=told.get("environment") or variable(environ, "RUNHOOK_ENVIRONMENT"),
        reason=told.get("reason") or None,
        grace=usual_grace if told.get("grace") is None else told["grace"],
        messages=not told.get("no_messages"),
        upload_artifacts=wants_files(told, environ),
        allow_cancel=bool(told.get("allow_cancel")),
        give_up_after=told.get("give_up_after"),
    )


def wants_files(told: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Whether dbt's files are attached to runs: by a flag, else by a variable."""
    if told.get("upload_artifacts") is not None:
        return bool(told["upload_artifacts"])
    return (variable(environ, UPLOAD_VARIABLE) or "").lower() in {"1", "true", "yes", "on"}


def read_service_settings(flags: Namespace, environ: Mapping[str, str]) -> ServiceSettings:
    """Combine those flags and variables that every command of the client knows."""
    told = told_by(flags)
    return ServiceSettings(
        url=told.get("url") or variable(environ, "RUNHOOK_URL") or DEFAULT_URL,
        account_id=told.get("account_id") or variable(environ, "RUNHOOK_ACCOUNT_ID") or "1",
        spool_folder=spool_folder(environ),
    )


def spool_folder(environ: Mapping[str, str]) -> Path | None:
    """The spool folder: RUNHOOK_SPOOL_DIR, else where the user's programs keep state.

    None where the user has no home. It is never in the project, which `dbt clean` may empty.
    """
    if chosen := variable(environ, SPOOL_VARIABLE):
        try:
            # A shell leaves `~` as it is within quotes, and a file of variables has no shell.
            return Path(chosen).expanduser()
        except RuntimeError:
            return None
    state, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    if state.startswith("/"):  # the specification has relative ones ignored
        return Path(state, "runhook", "spool")
    return Path(home, ".local", "state", "runhook", "spool") if home.startswith("/") else None


def told_by(flags: Namespace) -> dict[str, Any]:
    """Settings from flags, without the white space that `$(cat file)` may have left."""
    return {
        name: value.strip() if isinstance(value, str) else value
        for name, value in vars(flags).items()
    }


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """Read a variable; an empty one counts as unset."""
    return environ.get(name, "").strip() or None


def working_folder(environ: Mapping[str, str]) -> Path:
    """The working directory, under its former name if it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return Path(environ.get("PWD") or "/")
