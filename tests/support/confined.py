"""Starts a program with system calls refused as the units of systemd refuse them.

    python confined.py UNIT PROGRAM ARGUMENT...

Which calls a set of systemd's has, `systemd-analyze syscall-filter` says; here are those that a
program like ours could come to make.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CALLS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        "chown": 92,
        "fchown": 93,
        "lchown": 94,
        "fchownat": 260,
        "setpriority": 141,
        "sched_setparam": 142,
        "sched_setscheduler": 144,
        "sched_setaffinity": 203,
        "sched_setattr": 314,
        "ioprio_set": 251,
        "mbind": 237,
        "set_mempolicy": 238,
        "setrlimit": 160,
        "prlimit64": 302,
        "setuid": 105,
        "setgroups": 116,
        "chroot": 161,
        "socket": 41,
        "mmap": 9,
        "mprotect": 10,
    },
    "aarch64": {
        "fchown": 55,
        "fchownat": 54,
        "setpriority": 140,
        "sched_setparam": 118,
        "sched_setscheduler": 119,
        "sched_setaffinity": 122,
        "sched_setattr": 274,
        "ioprio_set": 30,
        "mbind": 235,
        "set_mempolicy": 237,
        "setrlimit": 164,
        "prlimit64": 261,
        "setuid": 146,
        "setgroups": 159,
        "chroot": 51,
        "socket": 198,
        "mmap": 222,
        "mprotect": 226,
    },
}
SETS: Mapping[str, Sequence[str]] = {
    "@privileged": (*("chown", "fchown", "lchown", "fchownat", "setuid", "setgroups", "chroot"),),
    "@resources": (
        *("setpriority", "sched_setparam", "sched_setscheduler", "sched_setaffinity"),
        *("sched_setattr", "ioprio_set", "mbind", "set_mempolicy", "setrlimit"),
    ),
}
FAMILIES: Mapping[str, int] = {
    "AF_UNIX": socket.AF_UNIX,
    "AF_INET": socket.AF_INET,
    "AF_INET6": socket.AF_INET6,
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, FIRST, THIRD = 0, 16, 32
"""Where in what the filter sees the call's number is, and its arguments."""
PROT_WRITE, PROT_EXEC = 2, 4

Instruction = tuple[int, int, int, int]


def refused_by(options: Mapping[str, Sequence[str]]) -> set[str]:
    """Calls that a unit's lines refuse; later ones win."""
    refused: set[str] = set()
    for line in options.get("SystemCallFilter", ()):
        names = [
            call for word in line.removeprefix("~").split() for call in SETS.get(word, (word,))
        ]
        refused = refused | {*names} if line.startswith("~") else refused - {*names}
    return refused


def filter_of(options: Mapping[str, Sequence[str]]) -> Iterator[Instruction]:
    """The program that the kernel runs for each call."""
    numbers = CALLS[platform.machine()]
    for name in sorted(refused_by(options) & {*numbers}):
        yield LOAD, 0, 0, NUMBER
        yield EQUAL, 0, 1, numbers[name]
        yield RETURN, 0, 0, REFUSE | errno.EPERM
    families = [FAMILIES[one] for one in " ".join(options["RestrictAddressFamilies"]).split()]
    yield LOAD, 0, 0, NUMBER
    yield EQUAL, 0, len(families) + 2, numbers["socket"]
    yield LOAD, 0, 0, FIRST
    for place, family in enumerate(families):
        yield EQUAL, len(families) - place, 0, family
    yield RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT
    if options["MemoryDenyWriteExecute"] == ["yes"]:
        yield LOAD, 0, 0, NUMBER
        yield EQUAL, 0, 3, numbers["mprotect"]
        yield LOAD, 0, 0, THIRD
        yield ANY_BIT, 0, 1, PROT_EXEC
        yield RETURN, 0, 0, REFUSE | errno.EPERM
        yield LOAD, 0, 0, NUMBER
        yield EQUAL, 0, 4, numbers["mmap"]
        yield LOAD, 0, 0, THIRD
        yield AND, 0, 0, PROT_WRITE | PROT_EXEC
        yield EQUAL, 0, 1, PROT_WRITE | PROT_EXEC
        yield RETURN, 0, 0, REFUSE | errno.EPERM
    yield RETURN, 0, 0, ALLOW


def options_of(unit: Path) -> Mapping[str, Sequence[str]]:
    """What a unit's section on its service says, each option's lines in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        name, is_option, value = line.partition("=")
        if is_option and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def confine(options: Mapping[str, Sequence[str]]) -> None:
    """Let the kernel refuse from now on, to this process and to what it starts."""
    instructions = b"".join(struct.pack("HBBI", *one) for one in filter_of(options))
    held = ctypes.create_string_buffer(instructions, len(instructions))
    program = struct.pack("HxxxxxxP", len(instructions) // 8, ctypes.addressof(held))
    pointed = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(pointed), 0, 0),
    ):
        if libc.prctl(*map(ctypes.c_ulong, call)) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    confine(options_of(Path(sys.argv[1])))
    os.execv(sys.argv[2], sys.argv[2:])
