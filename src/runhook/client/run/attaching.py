"""dbt's artifacts, taken when their step has ended, without the secrets in them.

A later step writes over them, so they are read at once; secrets are removed when a file is sent.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from runhook.client.dbt.artifacts import HEAD_BYTES, LARGEST_ATTACHED, MANIFEST, invocation_in
from runhook.client.dbt.command_lines import shown_command
from runhook.client.dbt.tag import TAG
from runhook.client.reporting.report import Attachment, NotAttachedError
from runhook.client.run.steps import MOST_STEPS, Step
from runhook.domain.dbt.artifacts import texts_by_name, version_and_step
from runhook.domain.secrets.names import is_secret_name
from runhook.domain.secrets.places import REPLACEMENT
from runhook.domain.secrets.redaction import Redactor

RESULTS = "run_results.json"
STRING = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")(\s*+:)?')
"""A string, and whether it is a key."""

Redact = Callable[[str], str]


def files_of_steps(steps: Sequence[Step], redact: Redact, *, first: int = 1) -> list[Attachment]:
    """Read what steps have written, as far as it is still there.

    Args:
        steps: in order; a file that a later one of them has written over is that one's.
        redact: takes secrets out of a text.
        first: position of the first step in its run, from 1.
    """
    files = []
    for position, step in enumerate(steps, first):
        for path in map(Path, step.files):
            is_latest = not any(str(path) in later.files for later in steps[position - first + 1 :])
            if (file := read_file(path, step, position, redact, must_be=is_latest)) is not None:
                files.append(file)
    return files


def read_file(
    path: Path, step: Step, position: int, redact: Redact, *, must_be: bool
) -> Attachment | None:
    """Read a file of a step; None if a later step has written over it, unless it must be there."""
    content, problem = b"", None
    try:
        if (size := path.stat().st_size) > LARGEST_ATTACHED:
            problem = (
                f"{path.name} has {size >> 20} MiB, and at most {LARGEST_ATTACHED >> 20} MiB are "
                "attached"
            )
        else:
            content = path.read_bytes()
    except OSError as error:
        problem = f"{path.name} cannot be read: {type(error).__name__}"
    if problem is None and not is_of_step(path.name, content[:HEAD_BYTES], step):
        problem = f"{path.name} was written anew by another command"
    if problem is not None and not must_be:
        return None
    return Attachment(
        name=path.name,
        # Of very many steps the service knows the first and the last ones.
        step=min(position, MOST_STEPS),
        content=b"" if problem else content,
        problem=problem,
        clean=partial(redacted_artifact, path.name, redact=redact),
    )


def is_of_step(name: str, head: bytes, step: Step) -> bool:
    """Whether an artifact that begins so was written in a step.

    A manifest that dbt has parsed partially may carry the tag of an earlier command.
    """
    _, tag = version_and_step(head, TAG)
    invocation, known = invocation_in(head), step.results.get("invocation_id")
    if known and invocation and (tag is None or name == MANIFEST):
        return bool(known == invocation)
    return (tag or "") == step.tag


def redacted_artifact(name: str, content: bytes, redact: Redact) -> bytes:
    """Remove secrets from an artifact, string by string, so that it stays JSON.

    Raises:
        NotAttachedError: it is none.
    """
    text = content.decode(errors="replace")
    try:
        if name == RESULTS:
            text, redact = with_shown_arguments(text, redact)
        return "".join(redacted_pieces(text, redact)).encode()
    except (ValueError, AttributeError, RecursionError) as error:
        raise NotAttachedError(f"{name} is not JSON, or was cut off") from error


def redacted_pieces(text: str, redact: Redact) -> Iterator[str]:
    """Yield JSON in pieces, without secrets."""
    key, at = "", 0
    for literal in STRING.finditer(text):
        value = json.loads(literal[1])
        if literal[2]:
            key = value
            continue
        is_secret = bool(value) and is_secret_name(key)
        clean = REPLACEMENT if is_secret else redact(value)
        key = ""
        if clean != value:
            yield text[at : literal.start()]
            yield json.dumps(clean)
            at = literal.end()
    yield text[at:]


def with_shown_arguments(text: str, redact: Redact) -> tuple[str, Redact]:
    """Results whose `args` show what `dbt retry` needs, and a redactor that knows their secrets.

    Core writes variables and its command line in clear there.

    Raises:
        ValueError, AttributeError: it is not JSON, or no object.
    """
    document = json.loads(text)
    arguments = document.get("args")
    if not isinstance(arguments, dict):
        return text, redact
    known = {
        **variables_in_clear(arguments.get("vars")),
        **variables_in_clear(document.get("metadata", {}).get("env")),
    }
    theirs = Redactor(known)

    def both(value: str) -> str:
        return redact(theirs(value))

    if isinstance(arguments.get("vars"), str):
        # Of dbts that know no `retry`: names of variables and their values are one text.
        arguments["vars"] = REPLACEMENT
    if isinstance(command := arguments.get("invocation_command"), str):
        arguments["invocation_command"] = shown_line(command, both)
    return json.dumps(document), both


def variables_in_clear(value: Any) -> Mapping[str, str]:
    """The texts in an object and in the objects within it, by name."""
    if not isinstance(value, dict):
        return {}
    found = texts_by_name(value)
    for inner in value.values():
        found |= variables_in_clear(inner)
    return found


def shown_line(line: str, redact: Redact) -> str:
    """A command line without secrets and values of variables.

    dbt joins the words without quotes: what follows `--vars` cannot be told from what follows that.
    """
    before, flag, _ = line.partition(" --vars")
    words = before.split()
    shown = shown_command(words, redact) if words else ""
    return f"{shown}{flag} ..." if flag else shown
