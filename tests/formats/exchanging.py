"""A whole exchange with a service, without a network: rendered, finished, answered and read."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Answer, Draft, Reading
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.options.declaring import changed, masked
from runhook.domain.runs.events import Event
from tests.formats import stories
from tests.formats.answering import Service
from tests.formats.services import service_of
from tests.support.receiver import Received


@dataclass(frozen=True)
class Sender:
    """Tells a service in a format, as a webhook with these settings would."""

    name: str
    service: Service
    url: str
    given: Mapping[str, object] | None = None

    def tell(self, event: Event | Notice, telling: Telling | None = None) -> Reading | None:
        """Tell of an event; None if the format has nothing to say of it."""
        if not FORMATS[self.name].tells(event):
            return None
        reply = self.service(received(self.draft(event, telling)))
        names = {name.lower(): value for name, value in reply.headers.items()}
        host = urlsplit(self.url).hostname or ""
        answer = Answer(status=reply.status, headers=names, body=reply.body, host=host)
        return FORMATS[self.name].read(answer)

    def draft(self, event: Event | Notice, telling: Telling | None = None) -> Draft:
        """The request as it is sent."""
        format_ = FORMATS[self.name]
        given = service_of(self.name).SETTINGS if self.given is None else self.given
        settings = changed(format_.settings(), given)
        kept = format_.render(event, telling or stories.telling(), masked(settings))
        address, question, query = self.url.partition("?")
        draft = Draft(
            method=format_.method(settings),
            url=f"{address}{kept.path}{question}{query}",
            headers={"User-Agent": "Runhook", "Content-Type": "application/json", **kept.headers},
            body=kept.body,
        )
        return format_.finish(draft, settings)


def received(draft: Draft) -> Received:
    """A request as its service gets it."""
    address = urlsplit(draft.url)
    path = f"{address.path}?{address.query}" if address.query else address.path
    headers = {name.lower(): value for name, value in draft.headers.items()}
    return Received(method=draft.method, path=path, headers=headers, body=draft.body)
