"""What can be known of a run before dbt has said anything: from its command line and its files.

Nothing here starts dbt (its import alone takes seconds) or needs a YAML library. Flags win over
variables, variables over dbt's `.env`, that over dbt_project.yml.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DBT_NAMES = {"dbt", "dbtf", "dbt-fusion"}
PROJECT_FILE = "dbt_project.yml"
UNKNOWN = "default"
"""The project and the environment of those who name neither; dbt's own default target."""
YAML_VALUE = r"""\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\s#"'{][^\s#]*))"""


@dataclass(frozen=True)
class Surroundings:
    """The command line and where it runs.

    ``environ`` is what the command inherits, ``folder`` its working directory.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    folder: Path

    def project_name(self) -> str:
        """Return `name:` of dbt_project.yml."""
        return self._project_value("name") or UNKNOWN

    def environment_name(self) -> str:
        """Return dbt's target, as far as it was named outside profiles.yml."""
        return self._setting(["--target", "-t"], "TARGET") or UNKNOWN

    def dbt_version(self) -> str:
        """Return the version installed beside the `dbt` that will run; empty if not found."""
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
        """Return where dbt will write its artifacts.

        A target path that a script in between chooses is not seen; then the tag is not found and
        the results count as unavailable.
        """
        chosen = self._setting(["--target-path"], "TARGET_PATH")
        path = chosen or self._project_value("target-path") or "target"
        return self.project_folder / path

    @cached_property
    def project_folder(self) -> Path:
        """The folder of dbt_project.yml: the one named, else the nearest at or above ours."""
        if chosen := self._setting(["--project-dir"], "PROJECT_DIR"):
            return self.folder / chosen
        candidates = [self.folder, *self.folder.parents]
        return next((one for one in candidates if (one / PROJECT_FILE).is_file()), self.folder)

    def _setting(self, flags: Sequence[str], variable: str) -> str | None:
        """Return a setting from dbt's flags, else DBT_ENGINE_<variable>, else DBT_<variable>."""
        if value := flag_value(self._dbt_words, flags):
            return value
        for name in (f"DBT_ENGINE_{variable}", f"DBT_{variable}"):
            if value := self.environ.get(name) or self.env_file.get(name):
                return value
        return None

    @cached_property
    def _dbt_words(self) -> Sequence[str]:
        """The words that dbt itself will read: `-t` means something else to docker or make."""
        for position, word in enumerate(self.command):
            if Path(word).name in DBT_NAMES:
                return self.command[position + 1 :]
        return []

    @cached_property
    def env_file(self) -> dict[str, str]:
        """The working directory's `.env`, which both Core 1.12 and v2 load."""
        return read_env_file(read_lines(self.folder / ".env"))

    def _project_value(self, key: str) -> str | None:
        """Return a top-level scalar of dbt_project.yml."""
        for line in read_lines(self.project_folder / PROJECT_FILE):
            if found := re.match(re.escape(key) + YAML_VALUE, line):
                value = next((group for group in found.groups() if group), "")
                return None if "{{" in value else value or None  # Jinja is dbt's to render
        return None


def flag_value(words: Sequence[str], flags: Sequence[str]) -> str | None:
    """Return what the last of ``flags`` is set to; dbt takes `--flag value` and `--flag=value`."""
    value = None
    for position, word in enumerate(words):
        name, equals, rest = word.partition("=")
        if name in flags and equals:
            value = rest
        elif word in flags and position + 1 < len(words):
            value = words[position + 1]
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
    """Return a small text file's lines; none if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def stdin_is_terminal() -> bool:
    """Whether somebody can type; a closed stdin is None."""
    return sys.stdin is not None and sys.stdin.isatty()
