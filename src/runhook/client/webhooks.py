"""Webhooks, created, listed, tested and deleted over the API."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from runhook.client.reporting.service import LARGEST_ANSWER, Answered, RequestFailed, Service
from runhook.domain.errors import RunhookError

REQUEST_SECONDS = 15.0
TEST_SECONDS = 75.0
"""A test answers once the endpoint has, which may take it a minute."""
PAGE = 100


class WebhookRequestError(RunhookError):
    """The service refused a request, or could not be reached; the message says why.

    Args:
        message: why.
        failed: the answer, if there was one.
    """

    def __init__(self, message: str, failed: RequestFailed | None = None) -> None:
        super().__init__(message)
        self.failed = failed


def post_webhook(service: Service, webhook: Mapping[str, object]) -> Mapping[str, Any]:
    """Create a webhook; the result holds its secret, this once.

    Raises:
        WebhookRequestError: the service refuses it, or cannot be asked.
    """
    created: Mapping[str, Any] = ask(service, "POST", "webhooks/subscriptions", webhook)
    return created


def all_webhooks(service: Service) -> Iterator[Mapping[str, Any]]:
    """Yield the account's webhooks.

    Raises:
        WebhookRequestError: the service cannot be asked.
    """
    offset = 0
    while True:
        path = f"webhooks/subscriptions?limit={PAGE}&offset={offset}"
        page = ask(service, "GET", path)
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


def test_webhook(service: Service, webhook_id: str, event_type: str) -> str | None:
    """Send a test delivery and wait for the endpoint.

    Args:
        service: where the webhook is.
        webhook_id: the webhook's.
        event_type: of the made-up event; empty for the webhook's usual one.

    Returns:
        what went wrong, None if the endpoint took it.

    Raises:
        WebhookRequestError: there is no such webhook, or the service cannot be asked.
    """
    query = f"?event_type={quote(event_type, safe='')}" if event_type else ""
    tried = ask(service, "GET", f"{path_of(webhook_id)}/test{query}", timeout=TEST_SECONDS)
    error: str | None = tried["verification_error"]
    return error


def request_deletion(service: Service, webhook_id: str) -> str:
    """Delete a webhook.

    Returns:
        a sentence that says what remains to be done elsewhere; empty for nothing.

    Raises:
        WebhookRequestError: there is no such webhook, or the service cannot be asked.
    """
    return full_answer(service, "DELETE", path_of(webhook_id)).warning


def path_of(webhook_id: str) -> str:
    """Path of a webhook, behind that of its account."""
    return f"webhooks/subscription/{quote(webhook_id, safe='')}"


def ask(
    service: Service,
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    timeout: float = REQUEST_SECONDS,
) -> Any:
    """`data` of what the service answers; raises as ``full_answer``."""
    return full_answer(service, method, path, body, timeout=timeout).data


def full_answer(
    service: Service,
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    timeout: float = REQUEST_SECONDS,
    largest: int = LARGEST_ANSWER,
) -> Answered:
    """The service's answer.

    Raises:
        WebhookRequestError: it refuses, or cannot be asked.
    """
    answer = service.ask(method, path, body, timeout=timeout, largest=largest)
    if isinstance(answer, RequestFailed):
        raise WebhookRequestError(f"{service.name}: {answer.reason}", answer)
    return answer
