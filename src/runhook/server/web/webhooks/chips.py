"""What a webhook's page says of its options, each in a few words."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from runhook.domain.options.declaring import Option
from runhook.domain.options.kinds import Typed
from runhook.domain.webhooks.options import OPTIONS, Notify, Options
from runhook.server.web.page.showing import duration

SAID_ELSEWHERE = frozenset(
    {"format", "format_settings", "payload_version", "include_results", "verify_tls"}
)
WORDS: Mapping[str, Callable[[Any], str]] = {
    "result_filter": lambda chosen: f"only {' or '.join(chosen).replace('_', ' ')}",
    "node_filter": lambda chosen: (
        f"only some nodes{', and those without an owner' if chosen.catch_all else ''}"
    ),
    "notify": lambda notify: (
        "failures only" if notify is Notify.FAILURES else "failures and recoveries"
    ),
    "hold": lambda hold: f"holds failures {hold // timedelta(minutes=1)} min",
    "mention": lambda ids: f"mentions {len(ids)}",
    "rate_limit": str,
    "authorization": lambda credential: f"authorization: {credential.scheme}",
    "client_certificate": lambda _: "client certificate",
    "ca_certificate": lambda _: "own CA",
    "attempt_timeout": lambda limit: f"within {duration(limit)}",
}
"""By option, for those that are not said by their label."""


def option_chips(options: Options) -> list[str]:
    """Say which options are not as they are by default."""
    return [
        WORDS[one.name](value) if one.name in WORDS else said_by_label(one, value)
        for one in OPTIONS
        if one.name not in SAID_ELSEWHERE and (value := getattr(options, one.name)) != one.default
    ]


def said_by_label(option: Option, value: object) -> str:
    """Say an option by its label, and its value where the form has that in one line."""
    label, kind = option.label.lower(), option.kind
    if not isinstance(kind, Typed) or kind.rows > 1:
        return label
    return f"{label}: {kind.show(option.write(value))}"
