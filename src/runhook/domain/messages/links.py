"""Where somebody who was told of a run goes on reading."""

from dataclasses import dataclass

from runhook.domain.runs.run import Run

SCHEMES = ("https://", "http://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses that have to do with a run; None where there is none to give."""

    page: str | None
    """The run's page, for people."""
    api: str | None
    """The run as the API gives it back, for programs."""
    trigger: str | None
    """What set the run off, such as a CI system's page of it."""


def links_of(run: Run, public_url: str | None) -> Links:
    """Links of a run.

    Args:
        run: the run.
        public_url: where people reach this service, without a slash at the end; None if not
            configured, so that no address of ours can be given.
    """
    link = run.trigger.link if run.trigger else ""
    return Links(
        page=public_url and f"{public_url}/accounts/{run.account_id}/runs/{run.id}",
        api=public_url and f"{public_url}/api/v2/accounts/{run.account_id}/runs/{run.id}/",
        # A reporter's word: what is not an address must not become one in somebody's chat.
        trigger=link if link.startswith(SCHEMES) else None,
    )
