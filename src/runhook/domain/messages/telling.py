"""To whom an event is told, and as which delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

WebhookId = NewType("WebhookId", str)
"""`wsu_` and a KSUID, as dbt Cloud's."""
DeliveryId = NewType("DeliveryId", str)
"""`wev_` and a KSUID: the event id on the wire, equal on every attempt."""


class PayloadVersion(StrEnum):
    """The payload's form: the 2022 page's, or dbt Cloud's of today."""

    V2022_05 = "2022-05"
    V2023_02 = "2023-02"


PAYLOAD_VERSIONS: Mapping[PayloadVersion, str] = {
    PayloadVersion.V2022_05: "2022-05 \N{EN DASH} snake_case, as dbt Cloud's page of 2022",
    PayloadVersion.V2023_02: "2023-02 \N{EN DASH} camelCase, as dbt Cloud sends today",
}
"""What people choose from."""
WHICH_PAYLOAD_VERSION = "Choose 2023-02 if your consumers come from dbt Cloud."


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a delivery's bytes are made of, beside the event and the format's settings."""

    delivery_id: DeliveryId
    webhook_id: WebhookId
    webhook_name: str
    payload_version: PayloadVersion = PayloadVersion.V2022_05
    include_results: bool = False
    """Whether a payload tells of nodes."""
    host: str = ""
    """Of the endpoint, in lower case: some services have dialects."""
    public_url: str | None = None
    """Where people reach this service, without a slash at the end; None if it is not known."""
    mention: Mapping[str, str] = field(default_factory=dict)
    """The ids of a service that a message may mention, by owners and groups."""
    has_recovered: bool = False
    """Whether it tells of the first success after a failure."""
    is_sample: bool = False
    """Whether the event is made up, so that it must not open, end or join anything real."""
