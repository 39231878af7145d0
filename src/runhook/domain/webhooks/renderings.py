"""The bytes of deliveries that are made together.

One event may be told to hundreds of webhooks. What they are told is made once: the message for all
that are shown the same nodes, and its bytes for all that have the same format and settings.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, cast

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import MessageFormat, Rendered
from runhook.domain.messages.message import Message, message_of
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.events import Event
from runhook.domain.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(slots=True)
class Renderings:
    """Bodies rendered in one transaction, each once for webhooks that get the same bytes.

    Args:
        public_url: where people reach this service, None if not configured.
        is_sample: whether the events are made up.
    """

    public_url: str | None = None
    is_sample: bool = False
    _events: list[Event | Notice] = field(default_factory=list)
    """They are known by their identities, which stay theirs as long as they are here."""
    _messages: dict[Hashable, Message] = field(default_factory=dict)
    _rendered: dict[Hashable, Rendered] = field(default_factory=dict)

    def of(
        self,
        webhook: Webhook,
        event: Event | Notice,
        delivery_id: DeliveryId,
        *,
        has_recovered: bool = False,
    ) -> Rendered:
        """What is kept of a delivery of an event to a webhook, narrowed to its nodes."""
        options = webhook.options
        format_ = FORMATS[options.format]
        telling = webhook.telling(
            delivery_id,
            public_url=self.public_url,
            has_recovered=has_recovered,
            is_sample=self.is_sample,
        )
        if not isinstance(format_, MessageFormat):
            return format_.render(webhook.shown(event), telling, options.settings)

        mention = frozenset(options.mention.items())
        told: Hashable = (id(event), options.node_filter, mention, has_recovered)
        message = self._messages.get(told)
        if message is None:
            message = self._messages[told] = message_of(webhook.shown(event), telling)
            self._events.append(event)
        if not format_.is_common:
            return format_.compose(message, telling, options.settings)

        shape: Hashable = (told, options.format, telling.host, values_of(options.settings))
        rendered = self._rendered.get(shape)
        if rendered is None:
            rendered = format_.compose(message, telling, options.settings)
            self._rendered[shape] = rendered
        return rendered


def values_of(settings: object) -> Hashable:
    """Values of a format's settings, to be compared."""
    found = cast("DataclassInstance", settings)
    values = (getattr(found, one.name) for one in fields(found))
    return tuple(frozenset(one.items()) if isinstance(one, Mapping) else one for one in values)
