"""The formats that a webhook can have. Each is a module, and a line of ``FORMATS``."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import cast

from runhook.domain.errors import InvalidError
from runhook.domain.formats.cloudevents import BinaryCloudEvents, CloudEvents
from runhook.domain.formats.dbt_cloud import DbtCloud
from runhook.domain.formats.discord import Discord
from runhook.domain.formats.email import Email
from runhook.domain.formats.format import Format
from runhook.domain.formats.github_status import GitHubStatus
from runhook.domain.formats.gitlab_status import GitLabStatus
from runhook.domain.formats.google_chat import GoogleChat
from runhook.domain.formats.incident_io import IncidentIo
from runhook.domain.formats.jsm import Jsm
from runhook.domain.formats.pagerduty import PagerDuty
from runhook.domain.formats.slack import Slack
from runhook.domain.formats.standard_webhooks import StandardWebhooks
from runhook.domain.formats.teams import Teams
from runhook.domain.formats.template import TemplateFormat

# Each has settings of its own type; `format_settings` sees to it that they meet.
FORMATS: Mapping[str, Format[object]] = {
    one.name: cast(Format[object], one)
    for one in (
        DbtCloud(),
        Slack(),
        Teams(),
        Discord(),
        GoogleChat(),
        Email(),
        PagerDuty(),
        Jsm(),
        IncidentIo(),
        GitHubStatus(),
        GitLabStatus(),
        TemplateFormat(),
        StandardWebhooks(),
        CloudEvents(),
        BinaryCloudEvents(),
    )
}
DEFAULT = DbtCloud.name


def format_named(name: str) -> Format[object]:
    """Find a format by its name.

    Raises:
        InvalidError: there is none of that name.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidError(f"`{name[:80]}` is unknown; {suggestion(name, FORMATS)}") from None


def suggestion(name: str, known: Collection[str]) -> str:
    """What to give instead of an unknown name: the nearest known one, or all of them."""
    near = get_close_matches(name.lower()[:80], known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return "choose from " + ", ".join(f"`{one}`" for one in known)
