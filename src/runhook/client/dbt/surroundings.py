"""What can be known of a run before dbt has said anything: from its command line and its files.

Nothing here starts dbt (its import alone takes seconds) or needs a YAML library. Flags win over
variables, variables over dbt's `.env`, that over dbt_project.yml.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from runhook.client.dbt.calls import dbt_calls
from runhook.client.processes.programs import DBT_NAMES

PROJECT_FILE = "dbt_project.yml"
UNKNOWN = "default"
"""The project and the environment of those who name neither; dbt's own default target."""
YAML_VALUE = r"""\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\s#"'{][^\s#]*))"""
NO_PROJECTS = frozenset(
    {"dbt_packages", "dbt_modules", "node_modules", "site-packages", "venv", "__pycache__"}
)
MOST_FOLDERS = 2_000
DEEPEST = 4


@dataclass(frozen=True)
class DbtCall:
    """A call of dbt: its words, what it inherits, and its working directory."""

    words: Sequence[str]
    environ: Mapping[str, str]
    folder: Path

    def project_name(self) -> str:
        """`name:` of dbt_project.yml; empty if it has none."""
        return self._project_value("name") or ""

    def target(self) -> str:
        """Target of dbt, if it was named outside profiles.yml; else empty."""
        return self._setting(["--target", "-t"], "TARGET") or ""

    def target_folder(self) -> Path:
        """Folder of dbt's artifacts, unless only dbt can tell (Jinja)."""
        chosen = self._setting(["--target-path"], "TARGET_PATH")
        path = chosen or self._project_value("target-path") or "target"
        return self.project_folder / path

    def log_file(self) -> Path:
        """Path of dbt's log."""
        chosen = self._setting(["--log-path"], "LOG_PATH")
        path = chosen or self._project_value("log-path") or "logs"
        return self.project_folder / path / "dbt.log"

    @cached_property
    def project_folder(self) -> Path:
        """The folder of dbt_project.yml: the one named, else the nearest at or above ours."""
        if chosen := self._setting(["--project-dir"], "PROJECT_DIR"):
            return self.folder / Path(chosen).expanduser()
        candidates = [self.folder, *self.folder.parents]
        return next((one for one in candidates if (one / PROJECT_FILE).is_file()), self.folder)

    @cached_property
    def env_file(self) -> dict[str, str]:
        """The working directory's `.env`, which both Core 1.12 and v2 load."""
        return read_env_file(read_lines(self.folder / ".env"))

    def _setting(self, flags: Sequence[str], variable: str) -> str | None:
        """A setting from dbt's flags, else DBT_ENGINE_<variable>, else DBT_<variable>."""
        if value := flag_value(self.words, flags):
            return value
        for name in (f"DBT_ENGINE_{variable}", f"DBT_{variable}"):
            if value := self.environ.get(name) or self.env_file.get(name):
                return value
        return None

    def _project_value(self, key: str) -> str | None:
        """A top-level scalar of dbt_project.yml."""
        for line in read_lines(self.project_folder / PROJECT_FILE):
            if found := re.match(re.escape(key) + YAML_VALUE, line):
                value = next((group for group in found.groups() if group), "")
                return None if "{{" in value else value or None  # Jinja is dbt's to render
        return None


@dataclass(frozen=True)
class Surroundings:
    """The command line and where it runs.

    ``environ`` is what the command inherits, ``folder`` its working directory.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    folder: Path

    @cached_property
    def calls(self) -> Sequence[DbtCall]:
        """The calls of dbt that the command line shows; one without words if it shows none."""
        found = [
            DbtCall(one.words, {**self.environ, **one.variables}, self.folder / one.folder)
            for one in dbt_calls(self.command)
        ]
        return found or [DbtCall((), self.environ, self.folder)]

    @cached_property
    def env_file(self) -> Mapping[str, str]:
        """The `.env` that dbt loads."""
        return self.calls[0].env_file

    def project_name(self) -> str:
        """Name of the project that dbt is called in, else of the only one below."""
        names = (call.project_name() for call in self.calls)
        return next(filter(None, names), "") or self._name_below() or UNKNOWN

    def environment_name(self) -> str:
        """Target of dbt, if it was named outside profiles.yml; else UNKNOWN."""
        return next(filter(None, (call.target() for call in self.calls)), UNKNOWN)

    def dbt_version(self) -> str:
        """Version installed beside the `dbt` that will run; empty if not found."""
        if Path(self.command[0]).name not in DBT_NAMES:
            return ""
        import shutil  # noqa: PLC0415 - slow to import, and dbt should start first

        program = shutil.which(self.command[0], path=self.environ.get("PATH"))
        if program is None:
            return ""
        installation = Path(program).resolve().parent.parent
        packages = "lib/python3*/site-packages"
        for distribution in ("dbt_core", "dbt"):
            for folder in installation.glob(f"{packages}/{distribution}-*.dist-info"):
                return folder.name.removesuffix(".dist-info").removeprefix(f"{distribution}-")
        return ""

    def target_folder(self) -> Path:
        """Folder in which the first call of dbt will write its artifacts."""
        return self.calls[0].target_folder()

    def _name_below(self) -> str:
        """Name of the only project below the working directory; empty if there are several."""
        found = [folder for folder, files in folders_below(self.folder) if PROJECT_FILE in files]
        if len(found) != 1:
            return ""
        return DbtCall(["--project-dir", str(found[0])], {}, self.folder).project_name()


def folders_below(top: Path) -> Iterator[tuple[Path, Sequence[str]]]:
    """Yield the folders in which people keep files of their own, with the names of their files."""
    for count, (folder, folders, files) in enumerate(os.walk(top)):
        yield Path(folder), files
        depth = len(Path(folder).relative_to(top).parts)
        folders[:] = sorted(
            one
            for one in folders
            if depth < DEEPEST and one not in NO_PROJECTS and not one.startswith(".")
        )
        if count >= MOST_FOLDERS:
            return


def flag_value(words: Sequence[str], flags: Sequence[str]) -> str | None:
    """Value of the last of ``flags``: `--flag value`, `--flag=value`, `-fvalue`."""
    value = None
    for position, word in enumerate(words):
        for flag in flags:
            if word == flag and position + 1 < len(words):
                value = words[position + 1]
            elif word.startswith(f"{flag}="):
                value = word[len(flag) + 1 :]
            elif not flag.startswith("--") and word.startswith(flag) and word != flag:
                value = word[len(flag) :]
    return value


def read_env_file(lines: Iterable[str]) -> dict[str, str]:
    """Read `NAME=value` lines, with optional `export` and quotes."""
    values = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("\"'")
    return values


def read_lines(path: Path) -> list[str]:
    """Read the lines of a small text file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return []


def stdin_is_terminal() -> bool:
    """Whether stdin is a terminal; a closed stdin is None."""
    return sys.stdin is not None and sys.stdin.isatty()
