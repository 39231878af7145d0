"""What Slack answers in a word counts before the status, and what others answer does not."""

import json
from dataclasses import replace

import pytest

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Answer, Meaning
from runhook.domain.runs.run import Trigger
from tests.formats import stories
from tests.formats.test_every_format import rendered

SLACK, OTHER = "hooks.slack.com", "chat.example.com"
BUILD = "https://x.org/"


@pytest.mark.parametrize(
    ("status", "word", "host", "meaning", "words"),
    [
        (200, "ok", SLACK, Meaning.TAKEN, ""),
        (400, "invalid_payload", SLACK, Meaning.REFUSED, "invalid_payload"),
        (200, "invalid_blocks", SLACK, Meaning.REFUSED, "invalid_blocks"),
        (400, "no_text", OTHER, Meaning.REFUSED, "no_text"),
        (404, "no_service", SLACK, Meaning.GONE, "no_service"),
        (410, "channel_is_archived", SLACK, Meaning.GONE, "channel_is_archived"),
        (403, "no_team", OTHER, Meaning.GONE, "no_team"),
        (200, "action_prohibited", SLACK, Meaning.FINAL, "action_prohibited"),
        (200, "", SLACK, Meaning.FINAL, "Slack did not say `ok`."),
        (200, "", OTHER, Meaning.TAKEN, ""),
        (200, "fine", OTHER, Meaning.TAKEN, ""),
        (500, "rollup_error", SLACK, Meaning.RETRY, "rollup_error"),
        (429, "rate_limited", SLACK, Meaning.RETRY, "rate_limited"),
    ],
)
def test_slacks_word_counts_before_its_status(status, word, host, meaning, words):
    reading = FORMATS["slack"].read(Answer(status=status, body=word.encode(), host=host))

    assert (reading.meaning, reading.words) == (meaning, words)


def posted(host: str, link: str = BUILD, *, public_url: str | None = None) -> dict:
    run = replace(stories.failed().run, trigger=Trigger(link=link))
    telling = replace(stories.telling(), host=host, public_url=public_url)
    return json.loads(rendered("slack", replace(stories.failed(), run=run), telling).body)


@pytest.mark.parametrize(("host", "limit"), [(SLACK, 1_500), (OTHER, 1_000)])
def test_a_link_that_has_no_room_is_left_out(host, limit):
    link = BUILD + "x" * (limit - len(BUILD))
    where = "https://runhook.example.com"

    assert link in json.dumps(posted(host, link, public_url=where))
    assert link not in json.dumps(posted(host, f"{link}x", public_url=where))


def test_a_message_without_links_has_no_title_to_follow():
    assert "title_link" not in posted(OTHER, "")["attachments"][0]


def test_markup_in_a_headline_is_none():
    event = stories.failed(job=replace(stories.NIGHTLY, name="<!here> *all*"))
    told = json.loads(rendered("slack", event, replace(stories.telling(), host=OTHER)).body)
    (attachment,) = told["attachments"]

    for name in ("title", "fallback"):
        assert attachment[name].startswith("\N{BALLOT X} &lt;!")
