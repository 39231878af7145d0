"""What a program does with signals, by its command line.

dbt has to hear of a request once: two SIGINTs at once kill dbt Core before it has canceled its
queries. Much of what stands between us and dbt passes signals on, to its child or to its group or
to both (timeout, uv, dumb-init), or kills its child before its time (make on SIGTERM, Python's
subprocess on SIGINT); shells do neither, and go on with their next command.
"""

import re
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import PurePath

DBT_NAMES = {"dbt", "dbtf", "dbt-fusion"}
SHELLS = {
    *("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "yash", "fish", "csh", "tcsh"),
    *("xargs", "parallel"),  # they too would go on with the next command
}
MAKES = {"make", "gmake", "bmake"}
LAUNCHERS = {
    *("timeout", "env", "nice", "ionice", "nohup", "setsid", "stdbuf", "time", "flock", "script"),
    *("chrt", "taskset", "unshare", "nsenter", "chroot", "numactl", "catchsegv", "strace", "watch"),
    *("sudo", "doas", "su", "runuser", "setpriv", "gosu", "su-exec", "chpst", "systemd-run"),
    *("dumb-init", "tini", "docker-init", "catatonit", "s6-setuidgid", "pid1", "unbuffer"),
    *("uv", "uvx", "poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "conda", "mamba"),
    *("micromamba", "pipx", "tox", "nox", "just", "task", "mise", "asdf", "direnv", "dotenv"),
    *("honcho", "npx", "op", "doppler", "chamber", "aws-vault", "aws-okta", "envconsul", "sops"),
    *("vault", "infisical"),
}
OUR_COMMANDS = {"run", "step"}
PYTHON = re.compile(r"(?:python|pypy)[0-9.]*")
MODULE, CODE = re.compile(r"-[A-Za-z]*m"), re.compile(r"-[A-Za-z]*c")


class ProcessRole(Enum):
    """How a kind of program reacts to a request to stop."""

    DBT = auto()
    """Cancels its queries on SIGINT, and on nothing else."""
    WRAPPER = auto()
    """`runhook run` or `runhook step` within our run: it sees to what it has started."""
    SHELL = auto()
    """A signal ends it, and it passes none on."""
    MAKE = auto()
    """Waits for its recipes on SIGINT, then ends; any other signal it passes on."""
    LAUNCHER = auto()
    """Ends as its child does, and may pass signals on to it."""
    OTHER = auto()


def role_of(words: Sequence[str]) -> ProcessRole:
    """Role of the process with this command line."""
    program = program_name(words[0]) if words else ""
    if PYTHON.fullmatch(program):
        words = script_of(words[1:])
    elif program == "busybox":
        words = words[1:]
    if not words:
        return ProcessRole.OTHER
    name, *arguments = words
    name = program_name(name)
    if name in DBT_NAMES:
        # A server has no queries, and no end of its own.
        return ProcessRole.OTHER if "serve" in arguments[:2] else ProcessRole.DBT
    if name == "runhook":
        return ProcessRole.WRAPPER if OUR_COMMANDS & set(arguments[:1]) else ProcessRole.OTHER
    if name in SHELLS:
        return ProcessRole.SHELL
    if name in MAKES:
        return ProcessRole.MAKE
    return ProcessRole.LAUNCHER if name in LAUNCHERS else ProcessRole.OTHER


def program_name(program: str) -> str:
    """Base name of a program, without the dash of a login shell."""
    return PurePath(program).name.removeprefix("-").removesuffix(".exe")


def script_of(arguments: Sequence[str]) -> Sequence[str]:
    """The script or module that Python runs, as if it were a program, with its arguments."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in {"-W", "-X", "--check-hash-based-pycs"}:
            rest = rest[1:]
        elif MODULE.fullmatch(word):
            return [rest[0].split(".")[0], *rest[1:]] if rest else []
        elif CODE.fullmatch(word):
            code = rest[0] if rest else ""
            return ["dbt"] if re.search(r"\bdbt\.cli\b", code) else []
        elif not word.startswith("-"):
            return [word, *rest]
    return []
