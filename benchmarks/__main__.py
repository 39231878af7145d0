"""Prints every measurement as one table: `make bench`.

The machines this runs on are noisy: read the ratios, which compare two things measured in the same
run, rather than the figures.
"""

import os
import platform
import sys

from benchmarks import client_start, drain, history


def main() -> int:
    """Measure, print, and return the exit code."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    rows = [*client_start.measure(), *drain.measure(), *history.measure()]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
