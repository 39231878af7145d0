"""The service's settings, read once: flags win over the environment, that over `runhook.toml`.

Every setting is one row of ``SETTINGS``; the environment's name is `RUNHOOK_` and the row's name
in capitals, the file's is the row's name. White space around a text is none of it. An empty text
counts as none, since that is how compose files and CI systems pass on what is not set; but a list
may be empty.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE, RetrySchedule
from runhook.domain.errors import InvalidError
from runhook.domain.messages.mailboxes import MailAccount, Mailbox, MailServer
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.forwarding import TrustedProxies
from runhook.domain.network.proxies import Proxies
from runhook.domain.people.identities import EVERYBODY, GroupRoles, PasswordUsers
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK, ProviderClient, check_issuer
from runhook.domain.people.proxy_names import NamingHeaders
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas
from runhook.domain.secrets.shown_addresses import without_password
from runhook.domain.service.pooling import Pooling
from runhook.domain.service.variables import PREFIX, without_links
from runhook.secret_files import SUFFIX, secret_in
from runhook.telemetry.choices import LogFormat, LogLevel, RequestLog

Choice = TypeVar("Choice", bound=StrEnum)

FILE_NAME = "runhook.toml"
DEFAULT = "default"
"""The place of a setting that was given nowhere."""


class Hidden:
    """A setting's text that must not be printed, such as a token."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "(hidden)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, read and checked."""

    host: str
    port: int
    data_dir: Path
    master_key: Hidden | None
    database_url: Hidden | None
    database_pooler: Pooling
    allow_networks: AddressPolicy
    public_url: str | None
    tls_cert: Path | None
    tls_key: Path | None
    smtp_url: Hidden | None
    smtp_from: Mailbox | None
    trusted_proxies: TrustedProxies
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_client_secret: Hidden | None
    oidc_name: str | None
    oidc_scopes: Sequence[str]
    oidc_groups_claim: str
    oidc_groups: GroupRoles
    trusted_user_header: str | None
    trusted_groups_header: str | None
    trusted_groups: GroupRoles
    password_users: PasswordUsers
    second_factor_roles: frozenset[Role]
    bootstrap_token: Hidden | None
    default_payload_version: PayloadVersion
    retry_schedule: RetrySchedule
    attempt_timeout: timedelta
    retention_days: timedelta
    max_webhooks: int
    max_consumers: int
    max_jobs: int
    max_open_runs: int
    max_tokens: int
    max_members: int
    max_run_artifacts: int
    max_run_artifact_megabytes: int
    artifact_megabytes: int
    max_connections: int
    max_connections_per_address: int
    max_head_kilobytes: int
    client_timeout: timedelta
    outage_patience: timedelta
    idle_timeout: timedelta
    dispatcher: bool
    metrics_host: str
    metrics_port: int | None
    """None offers no metrics."""
    log_format: LogFormat
    log_level: LogLevel
    log_requests: RequestLog
    proxies: Proxies
    """From the variables that all programs share, and not from a row of ``SETTINGS``."""
    given: Mapping[str, str] = field(default_factory=dict)
    """What is not the default, by setting's name, as it can be shown."""

    def quotas(self) -> Quotas:
        """Quotas of each account."""
        return Quotas(
            webhooks=self.max_webhooks,
            consumers=self.max_consumers,
            jobs=self.max_jobs,
            open_runs=self.max_open_runs,
            tokens=self.max_tokens,
            members=self.max_members,
            run_artifacts=self.max_run_artifacts,
            run_artifact_megabytes=self.max_run_artifact_megabytes,
        )

    def address_policy(self) -> AddressPolicy:
        """Where deliveries may go."""
        return replace(self.allow_networks, has_mail=self.mail() is not None)

    def mail(self) -> MailAccount | None:
        """What mail is sent with; None if there is no mail server.

        Raises:
            InvalidError: of server and sender, one is missing.
        """
        if self.smtp_url is None and self.smtp_from is None:
            return None
        if self.smtp_url is None:
            raise InvalidError("RUNHOOK_SMTP_FROM is set, and RUNHOOK_SMTP_URL is not; set both")
        if self.smtp_from is None:
            raise InvalidError("RUNHOOK_SMTP_URL is set, and RUNHOOK_SMTP_FROM is not; set both")
        return MailAccount(MailServer.parse(self.smtp_url.reveal()), self.smtp_from)

    def provider(self) -> ProviderClient | None:
        """What people sign in by with OpenID Connect; None without it.

        Raises:
            InvalidError: of what it needs, something is missing.
        """
        if self.oidc_issuer is None:
            given = [self.oidc_client_id, self.oidc_client_secret, self.oidc_name]
            if any(given) or self.oidc_groups.entries:
                raise InvalidError(
                    "RUNHOOK_OIDC_ISSUER is not set, and other settings RUNHOOK_OIDC_… are; set it"
                )
            return None
        if self.oidc_client_id is None:
            raise InvalidError(
                "RUNHOOK_OIDC_ISSUER is set, and RUNHOOK_OIDC_CLIENT_ID is not; set both"
            )
        if self.public_url is None:
            raise InvalidError(
                "RUNHOOK_OIDC_ISSUER is set, and RUNHOOK_PUBLIC_URL is not; set both: the provider "
                "sends people back there"
            )
        secret = self.oidc_client_secret
        return ProviderClient(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=None if secret is None else secret.reveal(),
            name=self.oidc_name or urlsplit(self.oidc_issuer).netloc,
            scopes=self.oidc_scopes,
            groups_claim=self.oidc_groups_claim,
            redirect_uri=self.public_url + CALLBACK,
        )

    def naming_headers(self) -> NamingHeaders | None:
        """Headers in which an authenticating proxy names people; None without one.

        Raises:
            InvalidError: of what it needs, something is missing.
        """
        if self.trusted_user_header is None:
            if self.trusted_groups_header or self.trusted_groups.entries:
                raise InvalidError(
                    "RUNHOOK_TRUSTED_USER_HEADER is not set, and settings of its groups are; set it"
                )
            return None
        if not self.trusted_proxies.networks:
            raise InvalidError(
                "RUNHOOK_TRUSTED_USER_HEADER is set, and RUNHOOK_TRUSTED_PROXIES is not; set both: "
                "anybody could name themselves"
            )
        return NamingHeaders(
            user=self.trusted_user_header,
            groups=self.trusted_groups_header,
            roles=self.trusted_groups,
        )

    def users_with_password(self) -> PasswordUsers:
        """Who may sign in with a password: everybody where there is no other way."""
        has_another_way = self.oidc_issuer is not None or self.trusted_user_header is not None
        return self.password_users if has_another_way else EVERYBODY

    @property
    def scheme(self) -> str:
        """What this service speaks itself."""
        return "http" if self.tls_cert is None else "https"

    def tls(self) -> tuple[Path, Path] | None:
        """Files of the certificate and its key; None if this service speaks no TLS.

        Raises:
            InvalidError: there is a key, and no certificate.
        """
        if self.tls_cert is None:
            if self.tls_key is not None:
                raise InvalidError("RUNHOOK_TLS_KEY is set, and RUNHOOK_TLS_CERT is not; set both")
            return None
        return self.tls_cert, self.tls_key or self.tls_cert

    def address_of_database(self) -> str:
        """The database's address: the one given, or SQLite in the data folder.

        Raises:
            InvalidError: the data folder's name is not UTF-8, as an address has to be.
        """
        if self.database_url is not None:
            return self.database_url.reveal()
        path = self.data_dir.absolute() / "runhook.db"
        try:
            return f"sqlite:///{quote(str(path))}"
        except UnicodeEncodeError:
            raise InvalidError(f"The data folder's name is not UTF-8: {str(path)!a}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: how it is called, what it is when unset, and how its text is read."""

    name: str
    default: str | None
    read: Callable[[str], Any]
    help: str
    is_list: bool = False
    """Whether its text is a list with commas, of which the empty text is one."""
    off_flag: str | None = None
    """The flag that says no, of a setting that is yes or no."""
    is_secret: bool = False
    """Whether it must not be printed, and may be given in a file (`RUNHOOK_*_FILE`)."""
    is_address: bool = False
    """Whether it is a secret because of the password that its address may hold."""
    has_flag: bool = True
    """Every user of a machine can read command lines, so that some secrets have none."""
    has_lines: bool = False
    """Whether its text may have several lines."""

    @property
    def flag(self) -> str:
        """The flag's name."""
        return self.off_flag or f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return PREFIX + self.name.upper()

    @property
    def variables(self) -> Sequence[str]:
        """All variables that may give it."""
        return [self.variable, self.variable + SUFFIX] if self.is_secret else [self.variable]


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting's text, None if unset, and where it came from."""

    text: str | None
    place: str

    @property
    def is_default(self) -> bool:
        """Whether the setting was given nowhere."""
        return self.place == DEFAULT


def host_of_setting(text: str) -> str:
    """Read an address or a name to listen on; IPv6 addresses may stand in brackets."""
    host = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" not in host:
        return host
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise InvalidError(
            f"`{text}` is not an address to listen on, such as 0.0.0.0 or ::; the port has a "
            "setting of its own"
        ) from None


def read_path(text: str) -> Path:
    """Read the name of a folder or file, which may begin with the home folder (~)."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InvalidError(f"there is no home folder for `{text}`") from None


def port_of_setting(text: str) -> int:
    """Read a port, 0 for one that is free."""
    return read_number(text, 0, 65_535, "a port")


def read_timeout(text: str) -> timedelta:
    """Read how long an attempt may take; leases grow with it, and with them a takeover's wait."""
    return timedelta(seconds=read_number(text, 1, 60, "a number of seconds"))


def read_seconds(text: str) -> timedelta:
    """Read how long to wait for a client."""
    return timedelta(seconds=read_number(text, 1, 3_600, "a number of seconds"))


def read_patience(text: str) -> timedelta:
    """Read how long to wait for the database; not at all is possible too."""
    return timedelta(seconds=read_number(text, 0, 60, "a number of seconds"))


def read_connections(text: str) -> int:
    """Read a number of connections."""
    return read_number(text, 1, 100_000, "a number of connections")


def read_kilobytes(text: str) -> int:
    """Read how large a request's head may be; browsers and proxies need some KiB."""
    return read_number(text, 8, 1_024, "a number of KiB")


def read_days(text: str) -> timedelta:
    """Read a number of days."""
    return timedelta(days=read_number(text, 1, 3_650, "a number of days"))


def read_megabytes(text: str) -> int:
    """Read a number of MiB; the databases take no file of a whole GiB."""
    return read_number(text, 1, 512, "a number of MiB")


def read_quota(text: str) -> int:
    """Read how many of something an account may have."""
    return read_number(text, 1, 10_000_000, "a number")


def read_number(text: str, lowest: int, highest: int, what: str) -> int:
    """Read a whole number, in plain digits: Python reads others too."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
        raise InvalidError(f"`{text}` is not {what} from {lowest} to {highest}")
    return int(text)


def read_yes_or_no(text: str) -> bool:
    """Read a yes or a no, in one of the usual spellings."""
    match text.lower():
        case "yes" | "true" | "on" | "1":
            return True
        case "no" | "false" | "off" | "0":
            return False
        case _:
            raise InvalidError(f"`{text}` is neither yes nor no")


def read_public_url(text: str) -> str:
    """Read an http or https address, which links are built on, so that it ends with its path."""
    try:
        url = urlsplit(text)
        is_whole = url.scheme in ("http", "https") and bool(url.hostname)
    except ValueError:
        is_whole = False
    if is_whole and (url.query or url.fragment or "?" in text or "#" in text):
        raise InvalidError(f"`{text}` has a query or a fragment, to which no path can be added")
    if is_whole and not PLAIN_PATH.fullmatch(url.path):
        raise InvalidError(f"the path of `{text}` may have letters, digits and `-._~/` only")
    if not is_whole:
        raise InvalidError(f"`{text}` is not an address such as https://runhook.example.com")
    return text.rstrip("/")


def choice_of(kind: type[Choice]) -> Callable[[str], Choice]:
    """Reader of a setting that is one of several words."""

    def read(text: str) -> Choice:
        try:
            return kind(text.lower())
        except ValueError:
            raise InvalidError(f"`{text}` is not one of {', '.join(kind)}") from None

    return read


def read_payload_version(text: str) -> PayloadVersion:
    """Read a payload version."""
    try:
        return PayloadVersion(text)
    except ValueError:
        known = " or ".join(version.value for version in PayloadVersion)
        raise InvalidError(f"`{text}` is not a payload version: give {known}") from None


def read_mail_server(text: str) -> Hidden:
    """Read a mail server's URL, which may hold a password."""
    MailServer.parse(text)
    return Hidden(text)


def read_scopes(text: str) -> Sequence[str]:
    """Read scopes, with spaces or commas between them; without `openid` there is no sign-in."""
    scopes = text.replace(",", " ").split()
    return scopes if "openid" in scopes else ["openid", *scopes]


def read_roles(text: str) -> frozenset[Role]:
    """Read roles with commas between them."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return frozenset(Role(part) for part in parts)
    except ValueError:
        raise InvalidError(f"`{text}` has a part that is not one of {', '.join(Role)}") from None


def read_header_name(text: str) -> str:
    """Read the name of a header, in lower case."""
    if not HEADER_NAME.fullmatch(text) or text.lower() in NEVER_NAMING:
        raise InvalidError(f"`{text}` is not a header in which a proxy can name a user")
    return text.lower()


def read_token(text: str) -> Hidden:
    """Read a token."""
    if len(text) < 16:
        raise InvalidError("a token of fewer than 16 characters can be guessed")
    return Hidden(text)


HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
NEVER_NAMING = ("authorization", "cookie", "host", "origin", "referer", "user-agent")
"""Headers that clients and browsers write themselves."""
PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/*")

QUOTAS = {
    "webhooks": "webhooks one account",
    "consumers": "consumers one account",
    "jobs": "jobs one account",
    "open_runs": "runs that go on one account",
    "tokens": "valid tokens one account",
    "members": "members and open invitations one account",
    "run_artifacts": "artifacts one run",
    "run_artifact_megabytes": "MiB all artifacts of one run",
}
"""What each of the `max_` settings of quotas counts and of whom, by its name in ``Quotas``."""

SETTINGS = (
    Setting(
        name="host",
        default="127.0.0.1",
        read=host_of_setting,
        help="address to listen on; 0.0.0.0 is all of IPv4, :: all of IPv6 and IPv4",
    ),
    Setting(name="port", default="8580", read=port_of_setting, help="port to listen on, 0 for any"),
    Setting(
        name="data_dir",
        default="runhook-data",
        read=read_path,
        help="folder of the master key unless master_key is set, and of the database unless "
        "database_url is set",
    ),
    Setting(
        name="master_key",
        default=None,
        read=Hidden,
        is_secret=True,
        has_flag=False,
        has_lines=True,
        help="what webhooks' secrets are encrypted with, in place of the key file in data_dir",
    ),
    Setting(
        name="database_url",
        default=None,
        read=Hidden,
        is_secret=True,
        is_address=True,
        help="sqlite:///path or postgresql://user:password@host/name",
    ),
    Setting(
        name="database_pooler",
        default=Pooling.AUTO.value,
        read=choice_of(Pooling),
        help="for how long a pooler before PostgreSQL keeps one connection for a client: "
        "transaction, session (also without a pooler), or auto, which looks and takes every pooler "
        "for one of transactions",
    ),
    Setting(
        name="allow_networks",
        default="",
        read=AddressPolicy.parse,
        is_list=True,
        help="private networks that endpoints may be in, as CIDRs with commas between them",
    ),
    Setting(
        name="public_url",
        default=None,
        read=read_public_url,
        help="where people reach this service, for links; may have a path, which a proxy takes off",
    ),
    Setting(
        name="tls_cert",
        default=None,
        read=read_path,
        help="file of the certificate and its chain in PEM, with which this service speaks https "
        "itself; read again when it was renewed",
    ),
    Setting(
        name="tls_key",
        default=None,
        read=read_path,
        help="file of the certificate's key in PEM, without a passphrase; unset if tls_cert holds "
        "it too",
    ),
    Setting(
        name="smtp_url",
        default=None,
        read=read_mail_server,
        is_secret=True,
        is_address=True,
        has_flag=False,
        help="mail server for webhooks of the format `email` and for invitations: "
        "smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465",
    ),
    Setting(
        name="smtp_from",
        default=None,
        read=Mailbox.parse,
        help="who mail is from: runhook@example.com, or Runhook <runhook@example.com>",
    ),
    Setting(
        name="trusted_proxies",
        default="",
        read=TrustedProxies.parse,
        is_list=True,
        help="networks of the proxies before this service whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed, as CIDRs with commas between them",
    ),
    Setting(
        name="oidc_issuer",
        default=None,
        read=check_issuer,
        help="OpenID Connect provider by which people sign in, such as https://login.example.com; "
        "may be in a private network",
    ),
    Setting(
        name="oidc_client_id",
        default=None,
        read=str,
        help="this service's client id at the provider; its redirect URI there is public_url and "
        f"{CALLBACK}",
    ),
    Setting(
        name="oidc_client_secret",
        default=None,
        read=Hidden,
        is_secret=True,
        has_flag=False,
        help="this service's client secret at the provider; unset for a public client",
    ),
    Setting(
        name="oidc_name",
        default=None,
        read=str,
        help="what people call the provider; unset, its host",
    ),
    Setting(
        name="oidc_scopes",
        default="openid email profile",
        read=read_scopes,
        help="scopes to ask the provider for, with spaces between them",
    ),
    Setting(
        name="oidc_groups_claim",
        default="groups",
        read=str,
        help="claim that lists a person's groups; dots lead into objects, as realm_access.roles",
    ),
    Setting(
        name="oidc_groups",
        default="",
        read=GroupRoles.parse,
        is_list=True,
        help="roles of the provider's groups in accounts, as GROUP=ACCOUNT:ROLE with commas "
        "between them; in these accounts no other person who signs in by it is a member",
    ),
    Setting(
        name="trusted_user_header",
        default=None,
        read=read_header_name,
        help="header in which an authenticating proxy gives the e-mail address of who is there, "
        "such as X-Forwarded-Email; counts from trusted_proxies only, which have to remove it from "
        "what clients send",
    ),
    Setting(
        name="trusted_groups_header",
        default=None,
        read=read_header_name,
        help="header in which it gives their groups, with commas between them",
    ),
    Setting(
        name="trusted_groups",
        default="",
        read=GroupRoles.parse,
        is_list=True,
        help="roles of these groups in accounts, as oidc_groups has them",
    ),
    Setting(
        name="password_users",
        default="",
        read=PasswordUsers.parse,
        is_list=True,
        help="e-mail addresses, with commas between them, of those who may sign in with a password "
        "too where there is another way; * is everybody",
    ),
    Setting(
        name="second_factor_roles",
        default="",
        read=read_roles,
        is_list=True,
        help="roles, with commas between them, whose holders need a second factor when they sign "
        "in with a password",
    ),
    Setting(
        name="bootstrap_token",
        default=None,
        read=read_token,
        is_secret=True,
        has_flag=False,
        help="on the first start, an account-admin token with this value",
    ),
    Setting(
        name="default_payload_version",
        default=PayloadVersion.V2022_05.value,
        read=read_payload_version,
        help="what webhooks of accounts that are created from now on send, unless they say: "
        "2022-05, or 2023-02 as dbt Cloud sends today",
    ),
    Setting(
        name="retry_schedule",
        default=",".join(f"{delay.total_seconds():.0f}" for delay in DEFAULT_SCHEDULE.delays),
        read=RetrySchedule.parse,
        is_list=True,
        help="seconds before each retry, with commas between them",
    ),
    Setting(
        name="attempt_timeout",
        default="10",
        read=read_timeout,
        help="how many seconds an attempt may take, from looking up the name to the body's end",
    ),
    Setting(
        name="retention_days",
        default="30",
        read=read_days,
        help="how many days deliveries and finished runs are kept",
    ),
    *(
        Setting(
            name=f"max_{name}",
            default=str(getattr(DEFAULT_QUOTAS, name)),
            read=read_quota,
            help=f"how many {things} may have",
        )
        for name, things in QUOTAS.items()
    ),
    Setting(
        name="artifact_megabytes",
        default="64",
        read=read_megabytes,
        help="how many MiB an artifact of a run may have",
    ),
    Setting(
        name="max_connections",
        default="1000",
        read=read_connections,
        help="how many connections clients may have open",
    ),
    Setting(
        name="max_connections_per_address",
        default="256",
        read=read_connections,
        help="how many of them from one address that is not a trusted proxy's; of IPv6, from one "
        "/64",
    ),
    Setting(
        name="max_head_kilobytes",
        default="32",
        read=read_kilobytes,
        help="how many KiB a request's target and headers may have together",
    ),
    Setting(
        name="client_timeout",
        default="20",
        read=read_seconds,
        help="how many seconds to wait for a request's head, for more of its body, and for a "
        "client to read more of its answer",
    ),
    Setting(
        name="outage_patience",
        default="20",
        read=read_patience,
        help="how many seconds a report, or another request that changes something, waits for a "
        "database that is away",
    ),
    Setting(
        name="idle_timeout",
        default="75",
        read=read_seconds,
        help="how many seconds a connection is kept between two requests; a proxy before this "
        "service should keep it for less",
    ),
    Setting(
        name="dispatcher",
        default="yes",
        read=read_yes_or_no,
        off_flag="--no-dispatcher",
        help="whether `runhook serve` delivers too; if not, `runhook dispatch` does, elsewhere",
    ),
    Setting(
        name="metrics_host",
        default="127.0.0.1",
        read=host_of_setting,
        help="address to offer metrics on; who reaches it needs no token",
    ),
    Setting(
        name="metrics_port",
        default=None,
        read=port_of_setting,
        help="port to offer metrics for Prometheus on, 0 for any; unset offers none",
    ),
    Setting(
        name="log_format",
        default="auto",
        read=choice_of(LogFormat),
        help="how the log is written to standard error: `json`, `text`, or `auto`, which is text "
        "at a terminal and else JSON",
    ),
    Setting(
        name="log_level",
        default="info",
        read=choice_of(LogLevel),
        help="the least that is logged: `debug`, `info`, `warning` or `error`",
    ),
    Setting(
        name="log_requests",
        default="yes",
        read=choice_of(RequestLog),
        help="whether each request has a line in the log: `yes`, `no`, or `all`, which has those "
        "of health checks and of pages' files, too",
    ),
)


def load(
    flags: Mapping[str, str | None], environment: Mapping[str, str], folder: Path
) -> tuple[Settings, Mapping[str, Origin]]:
    """Read all settings.

    Args:
        flags: what the command line says, by setting's name; None for a flag not given.
        environment: the process's environment.
        folder: where `runhook.toml` may lie.

    Returns:
        the settings, and where the text of each came from.

    Raises:
        InvalidError: a file is not readable or has an unknown key, or a value is not valid; the
            message names the setting and the place. Or a variable for proxies is not valid.
    """
    environment = without_links(environment)
    path = folder / FILE_NAME
    in_file = read_settings_file(path)
    origins = {}
    values = {}
    for setting in SETTINGS:
        origin = first_said(
            setting,
            Origin(flags.get(setting.name), setting.flag),
            *origins_in(environment, setting, unless=flags.get(setting.name)),
            Origin(in_file.get(setting.name), str(path)),
        )
        origins[setting.name] = origin
        values[setting.name] = parsed_value(setting, origin)
    given = {
        setting.name: shown_text(setting, origins[setting.name])
        for setting in SETTINGS
        if not origins[setting.name].is_default
    }
    return Settings(**values, proxies=Proxies.of(environment), given=given), origins


def shown_text(setting: Setting, origin: Origin) -> str:
    """Printable text of a setting; never empty, and never a secret."""
    if origin.text is None:
        return "(unset)"
    if setting.is_address:
        return without_password(origin.text)
    if setting.is_secret:
        return "(hidden)"
    return origin.text or "(empty)"


def first_said(setting: Setting, *origins: Origin) -> Origin:
    """The first origin with a value of a setting, or its default."""
    for origin in origins:
        text = None if origin.text is None else origin.text.strip()
        if text or (text == "" and setting.is_list):
            return Origin(text, origin.place)
    return Origin(setting.default, DEFAULT)


def origins_in(
    environment: Mapping[str, str], setting: Setting, *, unless: str | None
) -> Iterator[Origin]:
    """Yield what the environment says of a setting.

    Raises:
        InvalidError: nothing wins over the environment, and a file that it names holds no secret.
    """
    if setting.is_secret and not unless:
        text = secret_in(environment, setting.variable, has_lines=setting.has_lines)
        is_in_file = bool(environment.get(setting.variable + SUFFIX, "").strip())
        yield Origin(text, setting.variables[is_in_file])
    else:
        yield Origin(environment.get(setting.variable), setting.variable)


def read_settings_file(path: Path) -> Mapping[str, str]:
    """Read the settings in a file as texts; empty if there is no file.

    In a folder that is closed to us, as root's is to the service's user, nothing is meant for us.
    """
    if not os.access(path.parent, os.X_OK):
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidError(f"{path} cannot be read: {error}") from None
    names = [setting.name for setting in SETTINGS]
    for name in content:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise InvalidError(f"{path}: `{name}` is not a setting{hint}")
    return {name: toml_text(value) for name, value in content.items()}


def toml_text(value: object) -> str:
    """A TOML value as the environment would spell it; lists get commas."""
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value)


def parsed_value(setting: Setting, origin: Origin) -> Any:
    """Parse a setting's value; None where it is not set."""
    if origin.text is None:
        return None
    try:
        return setting.read(origin.text)
    except InvalidError as error:
        raise InvalidError(f"{setting.variable} (from {origin.place}): {error}") from None
