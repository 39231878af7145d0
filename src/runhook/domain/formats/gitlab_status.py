"""GitLab's commit statuses."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from runhook.domain.formats.commits import (
    STATES_BEFORE_FAILURES,
    CommitFormat,
    check_place,
    commit_of,
    context_of,
    context_option,
    description_of,
    target_of,
)
from runhook.domain.formats.format import Answer, Draft, Meaning, Reading, Rendered
from runhook.domain.formats.incidents import check_integration_key, needed
from runhook.domain.messages.message import Message, Status
from runhook.domain.messages.telling import Telling
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import SecretText, Text
from runhook.domain.payload import encoded

PROJECT = re.compile(r"\d{1,20}|[A-Za-z0-9_.-]{1,255}(?:/[A-Za-z0-9_.-]{1,255}){1,20}")
DESCRIPTION_LIMIT = 230
IS_OVER = "Cannot transition status"
STATES = {
    **STATES_BEFORE_FAILURES,
    Status.FAILED: "failed",
    Status.ERRORED: "failed",
    Status.CANCELED: "canceled",
}


def check_project(text: str) -> str:
    """Check a project's number or path.

    Raises:
        InvalidError: it is not a project's number or path.
    """
    return check_place(text, PROJECT, "a project such as `4711` or `acme/data/warehouse`")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabSettings:
    """What a webhook for GitLab needs."""

    project: str = option(
        "",
        Text(check_project),
        label="Project",
        hint="Its number, or its path such as acme/warehouse.",
        help="the project's number, or its path such as `acme/warehouse`",
    )
    token: str = option(
        "",
        SecretText(check_integration_key),
        label="Token",
        hint="A project access token with the scope api.",
        help="a project access token with the scope `api`; a secret",
    )
    context: str = context_option()


class GitLabStatus(CommitFormat[GitLabSettings]):
    """A commit status."""

    name = "gitlab_status"
    title = "GitLab commit status"
    summary = "How a merge request's run does, on its commit."
    where = (
        "In GitLab: the project, Settings, Access tokens; role Developer, scope `api`. The URL can "
        "stay empty; for a GitLab of your own it is its address."
    )
    reasons_at = ("message", "error")
    settings = GitLabSettings

    def check(self, settings: GitLabSettings) -> GitLabSettings:
        """Check that settings have a project and a token."""
        needed(settings.project, "project", "the project's number or path")
        needed(settings.token, "token", "a project access token with the scope `api`")
        return settings

    def address(self, settings: GitLabSettings) -> str:
        """The address of gitlab.com."""
        del settings
        return "https://gitlab.com"

    def compose(self, message: Message, telling: Telling, settings: GitLabSettings) -> Rendered:
        """The commit status of a message."""
        del telling
        project = quote(settings.project, safe="")
        return Rendered(
            body=encoded(
                {
                    "state": STATES[message.status],
                    **target_of(message),
                    "description": description_of(message, DESCRIPTION_LIMIT),
                    "name": settings.context or context_of(message),
                }
            ),
            path=f"/api/v4/projects/{project}/statuses/{commit_of(message)}",
        )

    def finish(self, draft: Draft, settings: GitLabSettings) -> Draft:
        """Put the token into its header."""
        return draft.with_header("PRIVATE-TOKEN", settings.token)

    def read(self, answer: Answer) -> Reading:
        """Read an answer; a status that is final already is a success.

        GitLab refuses a final status that comes again: a failed run is told as errored, then as
        completed.
        """
        reading = super().read(answer)
        if answer.status == 400 and reading.words.startswith(IS_OVER):
            return replace(reading, meaning=Meaning.TAKEN)
        return reading
