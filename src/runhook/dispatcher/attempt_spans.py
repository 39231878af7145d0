"""What a trace and the log tell of an attempt; nothing of it is secret."""

from runhook.domain.deliveries.judging import Outcome
from runhook.domain.network.destinations import host_of
from runhook.operations.deliveries.attempt import Claimed, Judged
from runhook.telemetry.events import DELIVERY_ATTEMPTED
from runhook.telemetry.tracing import Attributes


def asked_of(claimed: Claimed, number: int) -> Attributes:
    """What is known of an attempt as it begins."""
    delivery, endpoint = claimed.delivery, claimed.endpoint
    return {
        "server.address": host_of(endpoint.client_url),
        "runhook.delivery.id": delivery.id,
        "runhook.webhook.id": delivery.webhook_id,
        "runhook.account.id": int(delivery.account_id),
        "runhook.event.type": delivery.event_type.value,
        "runhook.attempt": number,
        **({} if delivery.run_id is None else {"runhook.run.id": int(delivery.run_id)}),
    }


def answered(method: str, outcome: Outcome) -> Attributes:
    """What is known of it as it ends."""
    found: dict[str, str | int] = {"http.request.method": method}
    if outcome.status_code is not None:
        found["http.response.status_code"] = outcome.status_code
    if outcome.failure is not None:
        found["error.type"] = outcome.failure.value
    return found


def tell_of_attempt(judged: Judged) -> None:
    """Log an attempt, where every one is wanted."""
    if not DELIVERY_ATTEMPTED.is_written:
        return
    attempt, outcome = judged.attempt, judged.attempt.outcome
    DELIVERY_ATTEMPTED.say(
        delivery=attempt.delivery_id,
        webhook=judged.claimed.delivery.webhook_id,
        attempt=attempt.number,
        outcome="succeeded" if outcome.failure is None else outcome.failure.value,
        status=outcome.status_code,
        milliseconds=round(outcome.duration.total_seconds() * 1000, 1),
        verdict=type(judged.verdict).__name__,
    )
