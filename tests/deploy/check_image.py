"""Builds the image, starts it, and times the first signed payload: `make image-check`."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.image import Image, build
from tests.docs.terminal import free_ports
from tests.support.running import TOKEN
from tests.support.station import Station, an_endpoint

GREETING = "Runhook listens on "
LONGEST_SECONDS = 60
"""From a start of the image to the first signed payload."""
RUN = {"job_name": "nightly", "run_key": "image-check"}


def main() -> int:
    """Print what was built and how long it took; return 1 if that is too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.check_image", description=__doc__)
    parser.add_argument("--in-chroot", action="store_true", help="build it without buildah")
    began = time.monotonic()
    image = build(in_chroot=parser.parse_args().in_chroot)
    print(f"built by {image.way} in {time.monotonic() - began:.0f} s")
    print(f"size without the base: {image.megabytes:.0f} MB")
    with a_volume() as data:
        return 1 if first_payload_seconds(image, data) > LONGEST_SECONDS else 0


def first_payload_seconds(image: Image, data: Path) -> float:
    """Start the image, report a run, and wait for its signed payload; the service then ends."""
    began = time.monotonic()
    with started(image, data) as station:
        print(f"listens after {time.monotonic() - began:.1f} s")
        with an_endpoint(station):
            station.ask("/api/v3/accounts/1/runs", RUN)
            with station.arrived:
                arrived = station.arrived.wait_for(lambda: station.events, LONGEST_SECONDS)
        seconds = time.monotonic() - began
        print(f"first signed payload: {'after' if arrived else 'none in'} {seconds:.1f} s")
        check = image.inside(image.healthcheck, port_of(station), data)
        print(f"health check: {subprocess.run(check, check=False).returncode}")
    return seconds


@contextmanager
def started(image: Image, data: Path) -> Iterator[Station]:
    """Run the image's own command, with a root that cannot be written, until a SIGTERM."""
    [port] = free_ports(1)
    environ = {
        "RUNHOOK_HOST": "127.0.0.1",
        "RUNHOOK_PORT": str(port),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with subprocess.Popen(
        image.inside(image.command, environ, data), stdout=subprocess.PIPE, text=True
    ) as container:
        assert container.stdout is not None
        try:
            lines = iter(container.stdout.readline, "")
            url = next(line for line in lines if line.startswith(GREETING)).removeprefix(GREETING)
            yield Station(url.strip())
        finally:
            began = time.monotonic()
            os.kill(first_process(container.pid), signal.SIGTERM)
            container.communicate(timeout=LONGEST_SECONDS)
    print(f"SIGTERM: ended with {container.returncode} after {time.monotonic() - began:.1f} s")


def first_process(unshare: int) -> int:
    """The process that `unshare` started, which is the first of its own."""
    return int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text())


def port_of(station: Station) -> dict[str, str]:
    """The variable that tells the health check where to look."""
    return {"RUNHOOK_PORT": station.url.rpartition(":")[2]}


@contextmanager
def a_volume() -> Iterator[Path]:
    """A folder that belongs to the image's user."""
    folder = Path(tempfile.mkdtemp(prefix="runhook-volume-"))
    os.chown(folder, 10001, 10001)
    folder.chmod(0o700)
    yield folder
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
