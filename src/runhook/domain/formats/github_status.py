"""GitHub's commit statuses."""

import re
from dataclasses import dataclass, replace

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

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
DESCRIPTION_LIMIT = 126
STATES = {
    **STATES_BEFORE_FAILURES,
    Status.FAILED: "failure",
    Status.ERRORED: "error",
    Status.CANCELED: "error",
}


def check_repository(text: str) -> str:
    """Check a repository's name.

    Raises:
        InvalidError: it is not a repository's name.
    """
    return check_place(text, REPOSITORY, "a repository such as `acme/warehouse`")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSettings:
    """What a webhook for GitHub needs."""

    repository: str = option(
        "",
        Text(check_repository),
        label="Repository",
        hint="Such as acme/warehouse.",
        help="owner and name, such as `acme/warehouse`",
    )
    token: str = option(
        "",
        SecretText(check_integration_key),
        label="Token",
        hint="One that may write commit statuses of this repository, and nothing else.",
        help="a token with the permission `Commit statuses: write`; a secret",
    )
    context: str = context_option()


class GitHubStatus(CommitFormat[GitHubSettings]):
    """A commit status."""

    name = "github_status"
    title = "GitHub commit status"
    summary = "How a pull request's run does, on its commit."
    where = (
        "In GitHub: Settings, Developer settings, Fine-grained tokens; choose the repository and "
        "`Commit statuses: Read and write`. The URL can stay empty; for GitHub Enterprise Server "
        "it is https://HOST/api/v3."
    )
    reasons_at = ("message", "errors")
    settings = GitHubSettings

    def check(self, settings: GitHubSettings) -> GitHubSettings:
        """Check that settings have a repository and a token."""
        needed(settings.repository, "repository", "the repository, such as `acme/warehouse`")
        needed(settings.token, "token", "a token that may write commit statuses")
        return settings

    def address(self, settings: GitHubSettings) -> str:
        """The address of github.com's API."""
        del settings
        return "https://api.github.com"

    def compose(self, message: Message, telling: Telling, settings: GitHubSettings) -> Rendered:
        """The commit status of a message."""
        del telling
        return Rendered(
            body=encoded(
                {
                    "state": STATES[message.status],
                    **target_of(message),
                    "description": description_of(message, DESCRIPTION_LIMIT),
                    "context": settings.context or context_of(message),
                }
            ),
            headers={"Accept": "application/vnd.github+json"},
            path=f"/repos/{settings.repository}/statuses/{commit_of(message)}",
        )

    def finish(self, draft: Draft, settings: GitHubSettings) -> Draft:
        """Put the token into its header."""
        return draft.with_header("Authorization", f"Bearer {settings.token}")

    def read(self, answer: Answer) -> Reading:
        """Read an answer: 403 is a limit if it says how long, and a missing right otherwise."""
        reading = super().read(answer)
        if answer.status == 403 and "retry-after" in answer.headers:
            return replace(reading, meaning=Meaning.RETRY)
        return reading
