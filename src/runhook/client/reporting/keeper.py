"""Put a run's reports on the disk, and remove them once the service has them."""

import contextlib
from collections.abc import Callable

from runhook.client.reporting.backlog import send_backlog
from runhook.client.reporting.kept_files import HeldFile, KeptFile
from runhook.client.reporting.report import Attachment, Report
from runhook.client.reporting.service import Service
from runhook.client.reporting.spool import ASIDE, KeptRun, Spool
from runhook.client.trouble import trouble_of


class Keeper:
    """Puts reports on the disk, in a thread of its own: a disk may hang longer than a service."""

    def __init__(
        self, spool: Spool | None, service: Service, name: str, kept: KeptRun | None = None
    ) -> None:
        self._spool = spool
        self._service = service
        self._name = name
        self._kept = kept
        self._is_whole = kept is not None
        self._is_forgotten = False
        self.why_not: str | None = None if spool else "there is no home folder"
        self.lost_runs = 0

    def open(self) -> None:
        """Begin this run's file. Never raises; ``why_not`` holds the reason."""
        if self._spool is None:
            return
        try:
            if self._kept is None:
                self._kept = self._spool.keep(self._name, self._service.destination)
            self.lost_runs = self._spool.make_room()
        except Exception as error:  # noqa: BLE001 - what cannot be kept is sent all the same
            self.why_not = trouble_of(error)

    def add(self, report: Report) -> None:
        """Put a report on the disk, if there is a file."""
        if self._kept is None or self._is_whole or self.why_not is not None:
            return
        try:
            self._kept.add(report)
        except Exception as error:  # noqa: BLE001 - as above
            self.why_not = trouble_of(error)

    def copy(self, file: Attachment) -> KeptFile | HeldFile:
        """Keep a copy of a file, without secrets; in memory, if it cannot be on the disk.

        Raises:
            NotAttachedError: it cannot be attached.
        """
        content = file.read()
        if self._kept is not None and self.why_not is None and not self._is_forgotten:
            with contextlib.suppress(OSError):
                return self._kept.files.add(file.name, file.step, content)
        return HeldFile(content, file.name, file.step)

    def has_files(self) -> bool:
        """Whether there are copies of files that the service does not have."""
        return self._kept is not None and bool(self._kept.files.all())

    def about_others(self) -> str | None:
        """Report on other files in the spool that people should know of."""
        lost = f"{self.lost_runs} earlier run(s) could not be kept any longer"
        aside = [] if self._spool is None else list(self._spool.aside)
        strange = (
            f"files that are not reports were moved to {ASIDE} in the spool: {', '.join(aside)}"
        )
        return "; ".join(([lost] if self.lost_runs else []) + ([strange] if aside else [])) or None

    def forget(self) -> None:
        """Remove the file: all reports were accepted, or refused for good."""
        self._is_forgotten = True
        if self._kept is not None:
            self._kept.remove()

    def send_backlog(self, *, timeout: Callable[[], float], go_on: Callable[[], bool]) -> None:
        """Send what earlier runs have left, as ``backlog.send_backlog`` does."""
        if self._spool is not None:
            send_backlog(self._spool, self._service, timeout=timeout, go_on=go_on)
