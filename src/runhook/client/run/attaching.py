"""Attach dbt's artifacts to a reported run, without the secrets and arguments in them."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runhook.client.dbt.artifacts import HEAD_BYTES, LARGEST_ATTACHED
from runhook.client.dbt.tag import TAG
from runhook.client.reporting.service import RequestFailed, Service
from runhook.client.run.steps import Step
from runhook.client.trouble import trouble_of
from runhook.domain.dbt.artifacts import version_and_step
from runhook.domain.secrets.names import is_secret_name
from runhook.domain.secrets.places import REPLACEMENT

ATTACHING_SECONDS = 15.0
"""How much longer a run may take whose artifacts are to be attached: a manifest may be large."""
SHORTEST_REQUEST_SECONDS = 0.05
STRING = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")(\s*+:)?')
"""A string, and whether it is a key."""


class NotAttachedError(Exception):
    """A file is not attached; the message says why."""


def attach_artifacts(
    steps: Sequence[Step], service: Service, run_id: str, redact: Callable[[str], str]
) -> str | None:
    """Attach what the steps have written, of files with one name the last one, within the time.

    Returns what went wrong, as a clause for people; None if all is attached.
    """
    problems: list[str] = ["there was no time left"]

    def attach_all() -> None:
        try:
            for name, step in latest_files(steps).items():
                attach(Path(name), step, service, run_id, redact=redact, deadline=deadline)
        except NotAttachedError as error:
            problems[:] = [str(error)]
        except Exception as error:  # noqa: BLE001 - a bug of ours must not show in dbt's run
            problems[:] = [trouble_of(error)]
        else:
            problems.clear()

    deadline = time.monotonic() + ATTACHING_SECONDS
    # A daemon, so that an answer that never comes does not keep the process.
    thread = threading.Thread(target=attach_all, name="runhook-attacher", daemon=True)
    thread.start()
    thread.join(ATTACHING_SECONDS)
    return f"not all artifacts were attached: {problems[0]}" if problems else None


def latest_files(steps: Sequence[Step]) -> Mapping[str, Step]:
    """Map each file to the step that wrote it; of equal names the last one counts."""
    by_name = {Path(path).name: (path, step) for step in steps for path in step.files}
    return dict(by_name.values())


def attach(
    path: Path,
    step: Step,
    service: Service,
    run_id: str,
    *,
    redact: Callable[[str], str],
    deadline: float,
) -> None:
    """Attach one file.

    Raises:
        NotAttachedError: it cannot be read, is another run's by now, or is not taken.
    """
    try:
        if (size := path.stat().st_size) > LARGEST_ATTACHED:
            raise NotAttachedError(
                f"{path.name} has {size >> 20} MiB, and at most {LARGEST_ATTACHED >> 20} MiB are "
                "attached"
            )
        content = path.read_bytes()
    except OSError as error:
        raise NotAttachedError(f"{path.name} cannot be read: {type(error).__name__}") from error
    if (version_and_step(content[:HEAD_BYTES], TAG)[1] or "") != step.tag:
        raise NotAttachedError(f"{path.name} was written anew by another command")
    seconds_left = max(deadline - time.monotonic(), SHORTEST_REQUEST_SECONDS)
    content = redacted_artifact(path.name, content, redact)
    answer = service.attach(run_id, path.name, content, timeout=seconds_left)
    if isinstance(answer, RequestFailed):
        raise NotAttachedError(f"{path.name}: {answer.reason}")


def redacted_artifact(name: str, content: bytes, redact: Callable[[str], str]) -> bytes:
    """Remove secrets from an artifact, string by string, so that it stays JSON.

    Raises:
        NotAttachedError: it is none.
    """
    key = ""

    def redacted(literal: re.Match[str]) -> str:
        nonlocal key
        value = json.loads(literal[1])
        if literal[2]:
            key = value
            return literal[0]
        is_secret = bool(value) and is_secret_name(key)
        clean = REPLACEMENT if is_secret else redact(value)
        key = ""
        return literal[0] if clean == value else json.dumps(clean)

    text = content.decode(errors="replace")
    try:
        if name == "run_results.json":
            text = without_arguments(text)
        return STRING.sub(redacted, text).encode()
    except (ValueError, AttributeError, RecursionError) as error:
        raise NotAttachedError(f"{name} is not JSON, or was cut off") from error


def without_arguments(text: str) -> str:
    """Remove `args` from results: Core writes variables and the command line in clear there."""
    document = json.loads(text)
    document.pop("args", None)
    return json.dumps(document)
