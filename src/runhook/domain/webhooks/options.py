"""The options of a webhook, each declared here and nowhere else.

A declaration says what the option is called, what kind of value it has, and what forms and
documents say of it; the wire, the form, storage and the API's description go by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import cast

from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.errors import InvalidError
from runhook.domain.formats import DEFAULT, FORMATS
from runhook.domain.messages.mentions import Mention, Mentions
from runhook.domain.messages.telling import PAYLOAD_VERSIONS, WHICH_PAYLOAD_VERSION, PayloadVersion
from runhook.domain.options.declaring import MASK, Null, Use, changed, option, options_in
from runhook.domain.options.kinds import Choice, Flag, Number, Numbers, Parts, Several, Text
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.runs.node_filters import NodeFilter, check_node_filter
from runhook.domain.webhooks.authorization import Authorization, check_authorization_value
from runhook.domain.webhooks.custom_headers import HEADERS_LIMIT, CustomHeaders, HeadersKind
from runhook.domain.webhooks.format_settings import FormatName, FormatSettings, settings_in
from runhook.domain.webhooks.signature import SIGNATURE_HEADER
from runhook.domain.webhooks.tls import ClientCertificate, check_client_certificate, check_pem

LONGEST_HOLD = timedelta(hours=1)
SHORTEST_TIMEOUT = timedelta(seconds=1)
LONGEST_TIMEOUT = timedelta(seconds=60)


def parse_timeout(seconds: float) -> timedelta:
    """Read the time limit of an attempt.

    Raises:
        InvalidError: it is too short or too long.
    """
    if not SHORTEST_TIMEOUT.total_seconds() <= seconds <= LONGEST_TIMEOUT.total_seconds():
        raise InvalidError(
            f"{seconds:g} is not from {SHORTEST_TIMEOUT.seconds} to {LONGEST_TIMEOUT.seconds} "
            "seconds"
        )
    return timedelta(seconds=seconds)


def parse_hold(minutes: float) -> timedelta:
    """Read how long a failure is held.

    Raises:
        InvalidError: it is too long, or no length of time.
    """
    longest = LONGEST_HOLD // timedelta(minutes=1)
    if not 0 <= minutes <= longest:
        raise InvalidError(f"{minutes:g} is not from 0 to {longest} minutes")
    return timedelta(minutes=minutes)


def minutes_of(hold: timedelta) -> float:
    """Write how long a failure is held."""
    return hold / timedelta(minutes=1)


class Notify(StrEnum):
    """Which of its selected events a webhook gets; see ``incidents``."""

    EVERY = "every"
    FAILURES = "failures"
    """Each failed run, once."""
    CHANGES = "changes"
    """The first failure after a success, and the recovery."""


class ResultFilter(StrEnum):
    """What a run's end must have for a webhook that selects only some."""

    NEW_FAILURES = "new_failures"
    """Something failed that had not in the job's last run."""
    WARNINGS = "warnings"
    """A node ended with a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the owner of a webhook can choose, beside where it goes and which events it wants."""

    format: str = option(
        DEFAULT,
        FormatName(),
        label="Format",
        help="one of "
        + ", ".join(f"`{name}`" for name in FORMATS)
        + "; `dbt_cloud` if left out. A webhook keeps the format that it was created with",
        null=Null.IS_REFUSED,
        use=Use.ALWAYS,
    )
    format_settings: object | None = option(
        None,
        FormatSettings(),
        label="Settings",
        help="an object; the format says which keys it has, and which of them are secret. `null` "
        "for a format without settings",
        use=Use.ALWAYS,
    )
    payload_version: PayloadVersion = option(
        PayloadVersion.V2022_05,
        Choice(PayloadVersion, PAYLOAD_VERSIONS),
        label="Payload version",
        hint=WHICH_PAYLOAD_VERSION,
        help="`2022-05` or `2023-02`; the account's default if left out",
        null=Null.IS_REFUSED,
        use=Use.PUBLISHING,
    )
    result_filter: tuple[ResultFilter, ...] = option(
        (),
        Several(
            ResultFilter,
            {
                ResultFilter.NEW_FAILURES: ("A node failed", "that succeeded in the last run"),
                ResultFilter.WARNINGS: ("A node warned", ""),
            },
        ),
        label="Send only when",
        hint="For completed and errored runs. None selected: always.",
        help="which ends of runs are sent: a list of `new_failures` and `warnings`; empty, or "
        "`null`, is all",
        use=Use.PUBLISHING,
    )
    node_filter: NodeFilter | None = option(
        None,
        Parts(NodeFilter, check_node_filter),
        label="Only these nodes",
        hint="A run's end is sent only if one of these nodes failed or warned, and with no others.",
        help="which nodes' failures and warnings are sent and shown; `null` is all nodes",
        use=Use.PUBLISHING,
    )
    notify: Notify = option(
        Notify.EVERY,
        Choice(
            Notify,
            {
                Notify.EVERY: "Every selected event",
                Notify.FAILURES: "Failures only",
                Notify.CHANGES: "First failure and recovery",
            },
            blank="Default of the format",
        ),
        label="Send",
        help="`every` selected event, each failed run (`failures`), or the first failure "
        "after a success and the recovery (`changes`, the default of formats that people read)",
        null=Null.KEEPS,
        use=Use.PUBLISHING,
        is_for_consumers=False,
    )
    hold: timedelta = option(
        timedelta(),
        Number(parse_hold, minutes_of),
        label="Hold failures",
        hint="Minutes to wait before a failure is sent, 0 to 60. If the job succeeds in that time, "
        "nothing is sent.",
        help="how many minutes a failure waits before it is sent, up to 60; if its job succeeds "
        "meanwhile, it is not sent",
        use=Use.PUBLISHING,
        is_for_consumers=False,
    )
    mention: Mention = option(
        {},
        Mentions(),
        label="Mention",
        hint="Who is mentioned when a node of theirs failed or warned. One a line: the owner's "
        "name or e-mail address, or the group, then a colon and an id of the service.",
        help="an object; by the names or e-mail addresses of owners, or the names of groups, the "
        "ids that messages of `slack`, `discord` or `teams` mention",
        use=Use.PUBLISHING,
        is_advanced=True,
    )
    include_results: bool = option(
        False,  # noqa: FBT003 - it is the value
        Flag("Include node results", "counts, failed nodes with their owners, and links"),
        label="Results",
        hint="Adds keys to completed and errored runs. Without them the payload is exactly dbt "
        "Cloud's.",
        help="whether the payload of a completed or errored run includes its nodes",
        null=Null.KEEPS,
        use=Use.PUBLISHING,
    )
    custom_headers: CustomHeaders = option(
        {},
        HeadersKind(),
        label="Custom headers",
        hint=f"One a line, as Name: value. Values are secrets; {MASK} keeps the present one.",
        help=f"an object of at most {HEADERS_LIMIT} names and values, sent with each attempt",
        null=Null.KEEPS,
        is_for_consumers=True,
        audited_as="header_names",
        audited_renewals="new_header_values",
    )
    retry_schedule: RetrySchedule | None = option(
        None,
        Numbers(RetrySchedule.of, lambda schedule: schedule.seconds, empty="none"),
        label="Retry schedule",
        hint="Seconds between attempts, such as 10, 60, 300; none for no retry. "
        "Empty: the service's default.",
        help="seconds before each retry, at most 20, each up to 7 days; `[]` never retries, "
        "`null` is the service's",
    )
    rate_limit: RateLimit | None = option(
        None,
        Text(RateLimit.parse),
        label="Rate limit",
        hint="Such as 10/second or 600/minute. Empty: no limit.",
        help="`10/second` or `600/minute`, up to 100,000; `null`: no rate limit",
    )
    authorization: Authorization | None = option(
        None,
        Parts(Authorization, check_authorization_value),
        label="Authorization header",
        hint="For an endpoint with a credential of its own. Runhook's signature is then in "
        f"{SIGNATURE_HEADER}.",
        help="the endpoint's credential in `Authorization`; the signature that is there otherwise "
        f"is in `{SIGNATURE_HEADER}` then",
        is_for_consumers=True,
        is_advanced=True,
    )
    client_certificate: ClientCertificate | None = option(
        None,
        Parts(ClientCertificate, check_client_certificate),
        label="Client certificate",
        hint="For an endpoint that requires one (mutual TLS).",
        help="the certificate for an endpoint that asks for one",
        is_advanced=True,
    )
    ca_certificate: str | None = option(
        None,
        Text(check_pem, rows=4),
        label="CA certificate",
        hint="PEM. Trusted instead of the system's certificate authorities.",
        help="the authorities that the endpoint's certificate may be from, as PEM, up to 32 KiB, "
        "in place of those that the service's system trusts",
        is_advanced=True,
    )
    attempt_timeout: timedelta | None = option(
        None,
        Number(parse_timeout, timedelta.total_seconds),
        label="Timeout",
        hint="Seconds an attempt may take, 1 to 60. Empty: the service's default.",
        help="how many seconds an attempt may take, from 1 to 60; `null` is the service's",
        is_advanced=True,
    )
    verify_tls: bool = option(
        True,  # noqa: FBT003 - it is the value
        Flag(
            "Do not verify the endpoint's certificate",
            "anyone on the network path can read the payloads and respond",
            ticked=False,
        ),
        label="TLS verification",
        hint="Prefer a CA certificate.",
        help="whether the endpoint's certificate is checked; without that, anybody between can "
        "read what is sent, and answer",
        null=Null.KEEPS,
        is_advanced=True,
    )

    @property
    def settings(self) -> object:
        """The format's settings, those that are not set as they are by default."""
        settings = self.format_settings
        return FORMATS[self.format].settings() if settings is None else settings


def changed_options(options: Options, given: Mapping[str, object]) -> Options:
    """Change the options that are given as JSON, by name.

    Raises:
        InvalidError: one is not valid, or the format needs settings that are not given.
    """
    asked = changed(options, given)
    if "format_settings" not in given and asked.format == options.format:
        return asked
    settings = cast(Mapping[str, object] | None, given.get("format_settings"))
    return replace(asked, format_settings=settings_in(FORMATS[asked.format], settings or {}))


OPTIONS = options_in(Options)
NO_OPTIONS = Options()
"""Each has its default."""
