"""Secrets given in files: RUNHOOK_TOKEN_FILE names the file that holds what RUNHOOK_TOKEN would.

Kubernetes, Docker and systemd hand secrets over as files, which other processes' environments and
`docker inspect` do not show.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from runhook.domain.errors import InvalidError

SUFFIX = "_FILE"
LARGEST_BYTES = 64 << 10


def secret_in(environ: Mapping[str, str], name: str, *, has_lines: bool = False) -> str | None:
    """Read the secret in a variable, or in the file that another variable names.

    White space around it is stripped, and an empty variable counts as unset.

    Args:
        environ: the environment.
        name: of the variable that holds it; with ``SUFFIX`` it is that of the other one.
        has_lines: whether it may have several lines.

    Raises:
        InvalidError: both are set, or the file does not hold a secret; the message names the
            variable and the file.
    """
    in_variable = environ.get(name, "").strip()
    path = environ.get(name + SUFFIX, "").strip()
    if not path:
        return in_variable or None
    if in_variable:
        raise InvalidError(f"{name} and {name}{SUFFIX} are both set; leave one of them out")
    try:
        return read_text_file(path, has_lines=has_lines)
    except ValueError as error:
        shown = "it names" if may_be_a_secret(path) else path
        raise InvalidError(f"{name}{SUFFIX}: the file {shown} {error}") from None


def read_text_file(path: str, *, has_lines: bool) -> str:
    """Read a small text file, without the white space around it.

    Raises:
        ValueError: it does not hold a text; the message follows the file's name.
    """
    try:
        # A pipe without a writer would keep us for ever.
        descriptor = os.open(Path(path).expanduser(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("is not a regular file")
            content = os.read(descriptor, LARGEST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ValueError(f"cannot be read: {os.strerror(error.errno or 0)}") from None
    except RuntimeError:
        raise ValueError("cannot be found: there is no such home folder") from None
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"has more than {LARGEST_BYTES >> 10} KiB")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if not text:
        raise ValueError("is empty")
    if "\0" in text:
        raise ValueError("is not text")
    if not has_lines and len(text.splitlines()) > 1:
        raise ValueError("has more than one line")
    return text


def may_be_a_secret(path: str) -> bool:
    """Whether somebody seems to have put the secret itself in the place of its file's name."""
    return "://" in path or path.endswith("=") or (len(path) > 15 and not re.search(r"[/.]", path))
