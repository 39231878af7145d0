"""An answer means what the webhook's format says, and is told in a sentence with what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.deliveries.judging import (
    GONE_REASON,
    EndpointGone,
    FailureReason,
    GivenUp,
    Outcome,
    Postponed,
    Refused,
    Retry,
    Succeeded,
    gone_reason,
    is_endpoints_failure,
    judge,
    read_outcome,
)
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE
from runhook.domain.formats.format import Answer, Format, Meaning, NoSettings, Reading
from tests.domain.test_judging import NOW, answered

NEVER = (
    "The pager answered 403: no title. Pager does not take what Runhook built for it; that is not "
    "tried again, and not counted against the endpoint."
)
NEVER = (
    "The pager answered 403: no title. Pager does not take what Runhook built for it; that is not "
    "tried again, and not counted against the endpoint."
)
MINUTE = timedelta(minutes=1)
UNANSWERED = Outcome(duration=MINUTE, failure=FailureReason.TIMED_OUT, error="It took too long.")


class Pager(Format[NoSettings]):
    """Answers in a way of its own, and remembers what it was given to read."""

    name, title, answerer, to_mend = "pager", "Pager", "The pager", "its key"

    def __init__(self, meaning: Meaning, words: str = "", pause: timedelta | None = None) -> None:
        self.reading = Reading(meaning=meaning, words=words, retry_after=pause)
        self.answers: list[Answer] = []

    def read(self, answer: Answer) -> Reading:
        self.answers.append(answer)
        return self.reading


class RelayedPager(Pager):
    """A pager that the operator's own server stands before."""

    is_relayed = True


def read(outcome: Outcome, meaning: Meaning, words: str = "") -> Outcome:
    return read_outcome(outcome, Pager(meaning, words), host="pager.example.com")


@pytest.mark.parametrize("status_code", [300, 302, 399])
def test_a_redirect_is_told_in_our_words_and_not_in_those_of_its_page(status_code):
    outcome = read(answered(status_code), Meaning.FINAL, "<html>Sign in</html>")

    assert outcome.error == (
        f"The pager answered {status_code}: redirects are not followed. That is not tried again; "
        "look at its key."
    )


@pytest.mark.parametrize("status_code", [299, 400])
def test_any_other_answer_is_told_in_its_own_words(status_code):
    outcome = read(answered(status_code), Meaning.FINAL, "wrong key.")

    assert outcome.error == (
        f"The pager answered {status_code}: wrong key. That is not tried again; look at its key."
    )


def test_a_format_reads_the_whole_answer():
    pager = Pager(Meaning.TAKEN)
    outcome = replace(answered(202, x_id="7"), response_body=b"thanks")

    read_outcome(outcome, pager, host="pager.example.com")

    assert pager.answers == [
        Answer(status=202, headers={"x-id": "7"}, body=b"thanks", host="pager.example.com")
    ]


@pytest.mark.parametrize("outcome", [UNANSWERED, replace(answered(502), is_ours=True)])
def test_there_is_nothing_to_read_without_an_answer_of_the_endpoint(outcome):
    pager = Pager(Meaning.FINAL)

    assert read_outcome(outcome, pager, host="pager.example.com") is outcome
    assert pager.answers == []


def test_an_error_by_which_a_service_says_that_all_is_done_is_a_success():
    conflict = replace(answered(409), error="The endpoint answered 409.")

    assert read(conflict, Meaning.TAKEN) == replace(conflict, failure=None, error="")


def test_an_answer_that_was_cut_off_is_no_success_even_if_its_status_is():
    late = replace(answered(200), failure=FailureReason.TIMED_OUT, error="It took too long.")

    assert read(late, Meaning.TAKEN) is late


@pytest.mark.parametrize(
    ("status", "meaning", "failure"),
    [
        (200, Meaning.RETRY, FailureReason.REFUSED),
        (200, Meaning.FINAL, FailureReason.REFUSED),
        (400, Meaning.REFUSED, FailureReason.REFUSED),
        (503, Meaning.RETRY, FailureReason.HTTP_STATUS),
        (403, Meaning.FINAL, FailureReason.HTTP_STATUS),
    ],
)
def test_a_service_that_refuses_is_the_reason_unless_its_status_says_so(status, meaning, failure):
    outcome = read(answered(status), meaning)

    assert (outcome.failure, outcome.meaning) == (failure, meaning)


def test_a_service_says_in_its_answer_how_long_to_wait():
    pager = Pager(Meaning.RETRY, pause=MINUTE)

    assert read_outcome(answered(429), pager, host="pager.example.com").retry_after == MINUTE


@pytest.mark.parametrize(
    ("meaning", "words", "sentence"),
    [
        (Meaning.RETRY, "Too many.", "The pager answered 403: Too many."),
        (Meaning.RETRY, "", "What was noted on the way."),
        (Meaning.GONE, "...gone", "The pager answered 403: ...gone."),
        (
            Meaning.FINAL,
            "",
            "The pager answered 403. That is not tried again; look at its key.",
        ),
        (
            Meaning.REFUSED,
            "no title",
            NEVER,
        ),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_service(meaning, words, sentence):
    outcome = replace(answered(403), error="What was noted on the way.")

    assert read(outcome, meaning, words).error == sentence


@pytest.mark.parametrize(
    ("meaning", "verdict"),
    [
        (Meaning.RETRY, Retry(timedelta(seconds=10))),
        (Meaning.REFUSED, Refused()),
        (Meaning.FINAL, GivenUp()),
        (Meaning.GONE, EndpointGone()),
    ],
)
def test_what_the_service_means_decides_and_not_the_status(meaning, verdict):
    outcome = read(answered(410), meaning)

    assert judge(outcome, attempt=1, schedule=DEFAULT_SCHEDULE, now=NOW, jitter=0.0) == verdict


@pytest.mark.parametrize("verdict", [Succeeded(), Refused(), Postponed()])
def test_what_is_not_the_endpoints_doing_does_not_count_against_it(verdict):
    assert not is_endpoints_failure(answered(500), verdict, Pager(Meaning.RETRY))


def test_behind_a_server_of_the_operator_only_what_is_final_counts_against_an_endpoint():
    final, later = read(answered(403), Meaning.FINAL), read(answered(503), Meaning.RETRY)

    assert is_endpoints_failure(later, GivenUp(), Pager(Meaning.RETRY))
    assert is_endpoints_failure(final, GivenUp(), RelayedPager(Meaning.FINAL))
    assert not is_endpoints_failure(later, GivenUp(), RelayedPager(Meaning.RETRY))


def test_a_webhook_says_why_its_endpoint_is_gone():
    elsewhere = replace(answered(404), error="Slack answered 404: no_team.")

    assert gone_reason(answered(410)) == GONE_REASON
    assert gone_reason(elsewhere) == (
        "Slack answered 404: no_team. It is gone. Change the URL or set the webhook active again."
    )
