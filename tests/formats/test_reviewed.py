"""What each service is sent is what was reviewed, word for word.

``RUNHOOK_WRITE_SNAPSHOTS=1`` writes it anew.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import Telling
from runhook.domain.runs.events import Event, EventType
from tests.formats import stories
from tests.formats.test_every_format import rendered
from tests.support.builders import a_deactivation, a_job

REVIEWED = Path(__file__).parent / "reviewed"
HOSTS = {"slack": ["hooks.slack.com", "chat.example.com"]}
IDS = {"slack": "U024BE7LH", "discord": "&81234567890123456", "teams": "ann@example.com"}


def failed_for_an_owner() -> Event:
    """More failed than is told, and the first node has an owner."""
    event = stories.failed()
    first, *others = stories.RESULTS["failed"]
    owned = {**first, "owners": [{"name": "ann"}], "groups": ["finance"]}
    results = {**stories.RESULTS, "failed_total": 40, "failed": [owned, *others]}
    return replace(event, run=replace(event.run, results=results))


def warned() -> Event:
    """A success in which two nodes warned, of which one is told and says nothing."""
    event = stories.succeeded()
    node = {
        "unique_id": "test.shop.fresh_orders.0123456789",
        "resource_type": "test",
        "status": "warn",
    }
    results = {"counts": {"success": 44, "warn": 2}, "warned": [node]}
    return replace(event, run=replace(event.run, results=results))


def failed_with_markup() -> Event:
    """Whatever is markup somewhere stands in all texts."""
    markup = '*a* _b_ `c` <d> & "e" @here [f](http://g.example)'
    job = replace(stories.NIGHTLY, name=markup, project_name=markup, environment_name=markup)
    event = stories.failed(job=job)
    first, *_ = stories.RESULTS["failed"]
    node = {
        **first,
        "unique_id": f"model.shop.{markup}",
        "message": f"{markup}\n{markup}",
        "exposures": [{"name": f"monthly-{'revenue-' * number}of-all"} for number in range(1, 6)],
    }
    trigger = replace(event.run.trigger, link="https://ci.example.com/(1)?a=1&b=2", system=markup)
    run = replace(
        event.run,
        status_message=f"{markup}\n{markup}",
        results={**stories.RESULTS, "failed": [node], "failed_total": 1},
        run_reason=markup,
        trigger=trigger,
    )
    return replace(event, run=run)


def failed_without_a_word() -> Event:
    """A failure of which nothing is known, not even what the job is called."""
    nameless = a_job(name="", project_name="", environment_name="")
    event = stories.ended(EventType.ERRORED, *stories.FAILURE, job=nameless)
    run = replace(event.run, run_reason="", dbt_version="", trigger=None, finished_at=None)
    return replace(event, run=run)


TOLD = {
    "started": (stories.started(), {}),
    "succeeded": (stories.succeeded(), {}),
    "recovered": (stories.succeeded(), {"has_recovered": True}),
    "errored": (stories.failed(EventType.ERRORED), {}),
    "failed": (stories.failed(), {}),
    "failed, with an owner": (failed_for_an_owner(), {}),
    "canceled": (stories.canceled(), {}),
    "missed": (stories.missed(), {}),
    "deactivated": (a_deactivation(), {}),
    "a test": (stories.failed(), {"is_sample": True}),
    "without a URL of the service": (stories.failed(), {"public_url": None}),
    "warned": (warned(), {}),
    "failed, with markup": (failed_with_markup(), {}),
    "failed, without a word": (failed_without_a_word(), {"public_url": None}),
}


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_service_is_sent_what_was_reviewed(name: str):
    sent = "\n".join(sent_in(name))
    reviewed = REVIEWED / f"{name}.txt"

    if os.environ.get("RUNHOOK_WRITE_SNAPSHOTS"):
        reviewed.write_text(sent)
    assert sent == reviewed.read_text()


def sent_in(name: str) -> Iterator[str]:
    """All that is told in a format, as text."""
    for host in HOSTS.get(name, ["receiver.example.com"]):
        for title, (event, how) in TOLD.items():
            if FORMATS[name].tells(event):
                yield f"=== {title}, to {host}"
                yield from lines_of(rendered(name, event, telling(name, host, **how)))


def telling(name: str, host: str, **how: object) -> Telling:
    """What a delivery to a host is made of."""
    mention = {"ann": IDS[name]} if name in IDS else {}
    return replace(stories.telling(), host=host, mention=mention, include_results=True, **how)


def lines_of(sent: Rendered) -> Iterator[str]:
    """A request, with a body that people can read."""
    yield from (f"{header}: {value}" for header, value in sent.headers.items())
    if sent.path:
        yield f"path: {sent.path}"
    try:
        yield json.dumps(json.loads(sent.body), indent=1, ensure_ascii=False)
    except ValueError:
        yield sent.body.decode().replace("\r\n", "\n")
