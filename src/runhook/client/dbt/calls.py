"""Find the calls of dbt in a command line: behind launchers, in scripts, in containers.

What a script does is guessed from its words, without a shell: `cd shop && dbt build -t prod`.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from runhook.client.processes.programs import DBT_NAMES

DBT_MODULES = frozenset({"dbt", "dbt.cli", "dbt.cli.main", "dbt.main"})
DBT_COMMANDS = frozenset(
    {"build", "clone", "compile", "debug", "deps", "docs", "freshness", "list", "ls", "parse"}
    | {"retry", "run", "run-operation", "seed", "show", "snapshot", "source", "test"}
)
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
BORDERS = CONTAINERS | {
    "sudo",
    "su",
    "doas",
    "runuser",
    "kubectl",
    "chroot",
    "systemd-run",
    "nsenter",
}
"""What has an environment of its own."""
FOLDER_FLAGS = frozenset({"-C", "--chdir", "--directory", "--cwd"})
"""Of env, make, uv and pdm."""
SCRIPT_FLAG = re.compile(r"-[a-z]*c[a-z]*")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
SEPARATORS = ";&|()\n"
DEEPEST = 5


@dataclass(frozen=True, slots=True)
class CallInCommand:
    """A call of dbt as a command line shows it."""

    words: Sequence[str]
    """What stands behind `dbt`."""
    folder: str
    """Where it is called, from where the command line is."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What is set for it."""


def dbt_calls(command: Sequence[str], folder: str = ".", depth: int = 0) -> list[CallInCommand]:
    """Find the calls of dbt in a command line, in order."""
    variables: dict[str, str] = {}
    for position, word in enumerate(command):
        name = PurePath(word).name
        rest = command[position + 1 :]
        if assignment := ASSIGNMENT.fullmatch(word):
            variables[assignment[1]] = assignment[2]
        elif word in FOLDER_FLAGS and rest:
            folder = str(PurePath(folder, rest[0]))
        elif name in DBT_NAMES or (word == "-m" and rest and rest[0] in DBT_MODULES):
            words = rest if name in DBT_NAMES else rest[1:]
            return [CallInCommand(words, folder, variables)]
        elif name in SHELLS and depth < DEEPEST and (script := script_in(rest)) is not None:
            return list(calls_in_script(script, folder, depth + 1))
        elif name in CONTAINERS and (words := words_of_container(rest)) and not names_dbt(words):
            given = map(ASSIGNMENT.fullmatch, rest)
            variables |= {found[1]: found[2] for found in given if found}
            return [CallInCommand(words, folder, variables)]
    return []


def script_in(words: Sequence[str]) -> str | None:
    """The script that a shell is given by `-c`."""
    for position, word in enumerate(words[:-1]):
        if not word.startswith("-"):
            return None
        if SCRIPT_FLAG.fullmatch(word):
            return words[position + 1]
    return None


def calls_in_script(script: str, folder: str, depth: int) -> Iterator[CallInCommand]:
    """Yield the calls of dbt in a script."""
    for command in commands_in(script):
        if command[0] in {"cd", "pushd"} and len(command) > 1 and "$" not in command[-1]:
            folder = str(PurePath(folder, command[-1]))
        else:
            yield from dbt_calls(command, folder, depth)


def commands_in(script: str) -> Iterator[list[str]]:
    """Yield the single commands of a script."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=SEPARATORS)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a quote without an end, in a here-document say
        words = script.split()
    command: list[str] = []
    for word in [*words, ";"]:
        if word.strip(SEPARATORS):
            command.append(word)
        elif command:
            yield command
            command = []


def words_of_container(words: Sequence[str]) -> Sequence[str]:
    """Arguments of dbt where it is an image's entry point: `run IMAGE build -t prod`."""
    if "run" not in words:
        return ()
    behind = words[list(words).index("run") + 1 :]
    for position, word in enumerate(behind):
        if position and word in DBT_COMMANDS and not behind[position - 1].startswith("-"):
            return behind[position:]
    return ()


def all_commands(command: Sequence[str]) -> list[Sequence[str]]:
    """A command line, followed by the command lines in its scripts."""
    scripts = [word for word in command if any(one in word for one in " \n;&|")]
    return [command, *(one for script in scripts for one in commands_in(script))]


def drops_environment(command: Sequence[str]) -> bool:
    """Whether what a command line runs may not get its environment."""
    for one in all_commands(command):
        names = [PurePath(word).name for word in one]
        if not BORDERS.isdisjoint(names):
            return True
        if "env" in names and not {"-i", "-", "--ignore-environment"}.isdisjoint(one):
            return True
    return False


def names_dbt(words: Sequence[str]) -> bool:
    """Whether dbt is called by its name."""
    return any(PurePath(word).name in DBT_NAMES for word in words)
