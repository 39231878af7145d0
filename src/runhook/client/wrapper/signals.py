"""Hear signals, with a guess at who has heard them as well.

Ctrl-C goes to every process of the terminal's foreground group. Passed on as well, it reaches dbt
twice, and dbt Core answers two SIGINTs at once with SIGABRT and without its artifacts. So each
arrival says whether the terminal sent it.
"""

import os
import select
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class SignalArrival:
    """A signal that has reached this process."""

    number: int
    from_terminal: bool


class Signals(Protocol):
    """Where signals are waited for, from before the child is started until after it has ended."""

    def wait(self, seconds: float) -> SignalArrival | None:
        """Wait for the next signal; None when ``seconds`` have passed."""

    def restore_in_child(self) -> None:
        """Undo everything, between fork and exec."""


def listen_for_signals() -> Signals:
    """Choose the way that this system offers. Call it on the main thread, before any other."""
    heard = [*heard_signals(), signal.SIGCHLD]
    return BlockedSignals(heard) if sys.platform == "linux" else HandledSignals(heard)


def heard_signals() -> list[signal.Signals]:
    """Signals to wait for; a SIGHUP that nohup had ignored stays ignored."""
    return [
        one for one in PASSED_ON if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN
    ]


class BlockedSignals:
    """Signals kept blocked and fetched one by one, with their sender (Linux)."""

    def __init__(self, heard: Sequence[int]) -> None:
        self._heard = heard
        # An ignored SIGCHLD would let the kernel swallow the child's exit status, and PID 1 does
        # not get signals that it neither blocks nor handles.
        handle(heard)
        # Threads inherit the mask, so that no signal goes to the reporter's.
        self._inherited_mask = signal.pthread_sigmask(signal.SIG_BLOCK, heard)

    def wait(self, seconds: float) -> SignalArrival | None:
        """Wait for the next signal; None when ``seconds`` have passed."""
        info = signal.sigtimedwait(self._heard, seconds)
        # Positive codes are the kernel's (SI_KERNEL, 0x80, for a terminal), the others somebody's
        # kill(2); see sigaction(2).
        return (
            None if info is None else SignalArrival(info.si_signo, from_terminal=info.si_code > 0)
        )

    def restore_in_child(self) -> None:
        """Undo everything, between fork and exec."""
        reset_dispositions(self._heard)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._inherited_mask)


class HandledSignals:
    """Signals read from a pipe, without their sender (macOS has no sigtimedwait)."""

    def __init__(self, heard: Sequence[int]) -> None:
        self._heard = heard
        self._readable, writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(writable, False)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        handle(heard)

    def wait(self, seconds: float) -> SignalArrival | None:
        """Wait for the next signal; None when ``seconds`` have passed."""
        if not select.select([self._readable], [], [], seconds)[0]:
            return None
        number = os.read(self._readable, 1)[0]
        typed = number in {signal.SIGINT, signal.SIGQUIT}
        return SignalArrival(number, from_terminal=typed and in_foreground())

    def restore_in_child(self) -> None:
        """Undo everything, between fork and exec."""
        signal.set_wakeup_fd(-1)
        reset_dispositions(self._heard)


def handle(heard: Iterable[int]) -> None:
    """Neither ignore these signals nor die of them; ``wait`` returns them."""
    for number in heard:
        signal.signal(number, do_nothing)


def do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def reset_dispositions(heard: Iterable[int]) -> None:
    """Let every signal we hear take its usual effect.

    A shell starts background commands with SIGINT ignored, and dbt Core could then not be
    interrupted at all; only SIGINT makes it cancel its queries.
    """
    for number in heard:
        signal.signal(number, signal.SIG_DFL)


def has_terminal() -> bool:
    """Whether a terminal controls this process, even if its streams are redirected."""
    return foreground_group() is not None


def in_foreground() -> bool:
    """Whether Ctrl-C at the terminal reaches this process."""
    return foreground_group() == os.getpgrp()


def foreground_group() -> int | None:
    """Process group in the foreground of the controlling terminal, if there is one."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return None
    finally:
        os.close(terminal)
