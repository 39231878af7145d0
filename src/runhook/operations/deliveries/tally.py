"""What a process that delivers counts: deliveries that have ended, by how."""

from collections import Counter
from enum import StrEnum

from runhook.domain.deliveries.judging import (
    EndpointGone,
    GivenUp,
    Postponed,
    Refused,
    Retry,
    Succeeded,
    Verdict,
)


class DeliveryEnd(StrEnum):
    """How a delivery ended, by its last attempt."""

    SUCCEEDED = "succeeded"
    GIVEN_UP = "given_up"
    """The last scheduled attempt failed, or the answer says that the next ones would, too."""
    REFUSED = "refused"
    """The service never takes it, for what we built."""
    ENDPOINT_GONE = "endpoint_gone"


ENDS: dict[type[Verdict], DeliveryEnd | None] = {
    Succeeded: DeliveryEnd.SUCCEEDED,
    GivenUp: DeliveryEnd.GIVEN_UP,
    Refused: DeliveryEnd.REFUSED,
    EndpointGone: DeliveryEnd.ENDPOINT_GONE,
    Retry: None,
    Postponed: None,
}


class DeliveryTally:
    """Counts from the start of the process."""

    def __init__(self) -> None:
        self.ended: Counter[DeliveryEnd] = Counter()

    def note(self, verdict: Verdict) -> None:
        """Count a recorded attempt, if it was the last one of its delivery."""
        end = ENDS[type(verdict)]
        if end is not None:
            self.ended[end] += 1
