"""Prints every measurement as one table: `make bench`.

The machines this runs on are noisy: read the ratios, which compare two things measured in the same
run, rather than the figures.
"""

import argparse
import signal
import sys
import time
from dataclasses import replace

from benchmarks import (
    alone,
    client_start,
    drain,
    hanging,
    idle,
    log,
    moving,
    open_loop,
    pages,
    paints,
    pruning,
    replicas,
    service_start,
    sizes,
    volume,
)
from benchmarks.scale import QUICK, WHOLE
from benchmarks.table import Figure, machine, print_table
from runhook.telemetry.logs import configure_logging

FIGURES = {
    "start": client_start.measure,
    "ready": service_start.measure,
    "idle": idle.measure,
    "drain": drain.measure,
    "alone": alone.measure,
    "open": open_loop.measure,
    "hanging": hanging.measure,
    "log": log.measure,
    "volume": volume.measure,
    "pruning": pruning.measure,
    "moving": moving.measure,
    "processes": replicas.measure,
    "pages": pages.measure,
    "paints": paints.measure,
    "sizes": sizes.measure,
}


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help=f"some of {','.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true", help="a part of everything")
    parser.add_argument("--strict", action="store_true", help="fail if a goal is not met")
    parser.add_argument("--history", type=int, help="old deliveries beside which volume measures")
    chosen = parser.parse_args()
    unknown = set(chosen.only.split(",")) - {"", *FIGURES}
    if unknown:
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(FIGURES)}")
    scale = QUICK if chosen.quick else WHOLE
    if chosen.history:
        scale = replace(scale, history=chosen.history, pending=max(10, chosen.history // 10))
    # What was started is ended on the way out, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    configure_logging("warning", as_json=False)
    print(machine(), flush=True)
    figures: list[Figure] = []
    try:
        for name in chosen.only.split(",") if chosen.only else FIGURES:
            began = time.monotonic()
            for figure in FIGURES[name](scale):
                figures.append(figure)
                print("  ...", *filter(None, figure.cells()), sep="  ", flush=True)
            print(f"  {name} took {time.monotonic() - began:.0f} s", flush=True)
    finally:
        print_table(figures)
    return 1 if chosen.strict and any(one.is_met is False for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
