"""Builds the image, starts it, and times the first signed payload: `make image-check`."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.image import Image, build
from tests.support.ports import free_ports
from tests.support.running import TOKEN
from tests.support.station import Station, an_endpoint

GREETING = "Runhook listens on "
LONGEST_SECONDS = 60
"""From a start of the image to the first signed payload."""
RUN = {"job_name": "nightly", "run_key": "image-check"}


@dataclass
class Container:
    """A running image."""

    process: "subprocess.Popen[str]"
    station: Station
    variables: Mapping[str, str]
    began: float

    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.began

    def stop(self) -> int:
        """Ask its first process to end; return its exit code."""
        if self.process.poll() is None:
            os.kill(first_process(self.process.pid), signal.SIGTERM)
        self.process.communicate(timeout=LONGEST_SECONDS)
        return self.process.returncode


def main() -> int:
    """Print what was built and how long it took; return 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.check_image", description=__doc__)
    parser.add_argument("--in-chroot", action="store_true", help="build it without buildah")
    began = time.monotonic()
    image = build(in_chroot=parser.parse_args().in_chroot)
    print(f"built by {image.way} in {time.monotonic() - began:.0f} s")
    print(f"size without the base: {image.megabytes:.0f} MB")
    with a_volume() as data, a_container(image, data) as container:
        problems = try_out(image, data, container)
    for problem in problems:
        print(f"DOES NOT HOLD: {problem}")
    return 1 if problems else 0


def try_out(image: Image, data: Path, container: Container) -> list[str]:
    """Report a run, wait for its signed payload, and end the service; return what does not hold."""
    problems = []
    print(f"listens after {container.seconds():.1f} s")
    with an_endpoint(container.station):
        container.station.ask("/api/v3/accounts/1/runs", RUN)
        with container.station.arrived:
            arrived = container.station.arrived.wait_for(
                lambda: container.station.events, LONGEST_SECONDS
            )
    print(f"first signed payload after {container.seconds():.1f} s")
    if not arrived or container.seconds() > LONGEST_SECONDS:
        problems.append(f"a signed payload within {LONGEST_SECONDS} s")
    check = image.inside(image.healthcheck, container.variables, data)
    if subprocess.run(check, check=False).returncode:
        problems.append("the health check of a service that answers")
    began = time.monotonic()
    if container.stop():
        problems.append("the graceful end by SIGTERM")
    print(f"ended {time.monotonic() - began:.1f} s after a SIGTERM")
    return problems


@contextmanager
def a_container(image: Image, data: Path) -> Iterator[Container]:
    """Run the image's own command, with a root that cannot be written."""
    [port] = free_ports(1)
    variables = {
        "RUNHOOK_HOST": "127.0.0.1",
        "RUNHOOK_PORT": str(port),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    began = time.monotonic()
    with subprocess.Popen(
        image.inside(image.command, variables, data),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        url = next(line for line in lines if line.startswith(GREETING)).removeprefix(GREETING)
        container = Container(process, Station(url.strip()), variables, began)
        try:
            yield container
        finally:
            if process.poll() is None:
                container.stop()


def first_process(unshare: int) -> int:
    """The process that `unshare` started, which is the first of its own."""
    return int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text())


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
