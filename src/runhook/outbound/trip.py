"""What is noted of one request on its way, to say later why it ended."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TypedDict

from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.network.destinations import EndpointUrl
from runhook.domain.network.proxies import Proxy

ABOUT_LETTER = frozenset({"RCPT TO", "DATA"})


class TripStage(Enum):
    """How far a request has come; the value is what its time counts as."""

    QUEUED = AttemptPhase.QUEUE
    RESOLVING = AttemptPhase.DNS
    CONNECTING = AttemptPhase.CONNECT
    SHAKING_HANDS = AttemptPhase.TLS
    WAITING = AttemptPhase.WAIT
    READING = AttemptPhase.READ


class Times(TypedDict):
    """What an outcome says of the time that a request took."""

    duration: timedelta
    phases: Mapping[AttemptPhase, timedelta]


@dataclass(slots=True, kw_only=True)
class Trip:
    """One request, from its URL to its answer."""

    deadline: timedelta
    """For the whole of it."""
    url: EndpointUrl | None = None
    """None for one that cannot be requested."""
    proxy: Proxy | None = None
    """Through which it goes."""
    stage: TripStage = TripStage.QUEUED
    is_at_proxy: bool = False
    """Whether it is the proxy that we talk to, about a connection that we do not have yet."""
    has_proxy: bool = False
    """Whether there is a connection to the proxy."""
    refusals: list[str] = field(default_factory=list)
    """Why addresses of the host were not dialled."""
    dialled: list[str] = field(default_factory=list)
    """Addresses with their ports for which a socket was made: the host's, or the proxy's."""
    was_reused: bool = False
    """Whether the connection had served another request before."""
    shows_certificate: bool = False
    """Whether the endpoint is shown a client certificate if it asks for one."""
    asked: str = ""
    """What a mail server is asked at this step."""
    is_handed_over: bool = False
    """Whether a mail server has begun to be given the letter, so that it may have it."""
    status_code: int | None = None
    """Known as soon as the headers are, when the body may still come or break off."""
    are_names_unanswered: bool = False
    """Whether no name server has said anything of any name for as long as ours was looked up."""
    clock: Callable[[], float] = time.perf_counter
    """In seconds; the event loop's own may count in whole milliseconds."""
    _entered_at: float = field(init=False)
    _spent: dict[AttemptPhase, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entered_at = self.clock()

    def enter(self, stage: TripStage) -> None:
        """Come to a stage, which may be one that the request has been in before."""
        now = self.clock()
        phase = self.stage.value
        self._spent[phase] = self._spent.get(phase, 0.0) + now - self._entered_at
        self.stage, self._entered_at = stage, now

    def times(self) -> Times:
        """How long the request has taken so far, and been in each stage that it has been in."""
        self.enter(self.stage)
        phases = {phase: timedelta(seconds=spent) for phase, spent in self._spent.items()}
        return {"duration": sum(phases.values(), timedelta()), "phases": phases}

    @property
    def is_mail(self) -> bool:
        """Whether it goes to the mail server."""
        return self.url is not None and self.url.scheme == "smtp"

    @property
    def is_about_letter(self) -> bool:
        """Whether the mail server has been told something that is of this letter alone.

        `MAIL FROM` has our own address only.
        """
        return self.asked in ABOUT_LETTER

    @property
    def named_by(self) -> str:
        """What names the place, to be checked."""
        return "RUNHOOK_SMTP_URL" if self.is_mail else "the URL"

    @property
    def protocol(self) -> str:
        """What is spoken there over TLS."""
        return "TLS" if self.is_mail else "https"

    @property
    def host(self) -> str:
        """The endpoint's host."""
        return self.url.host if self.url else ""

    @property
    def endpoint(self) -> str:
        """The endpoint's host and port, as people write them."""
        return self.url.place if self.url else "the endpoint"

    @property
    def place(self) -> str:
        """The endpoint, with the proxy on the way there if any."""
        return f"{self.endpoint} (by the proxy {self.proxy.place})" if self.proxy else self.endpoint
