"""Letters over a mail server: what it gets, and what its answers mean."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runhook.domain.deliveries.judging import FailureReason, Outcome, read_outcome
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Meaning
from runhook.domain.messages.mailboxes import MailAccount, mailto
from runhook.outbound.sender import Request
from tests.support.certificates import Authority
from tests.support.mail_server import (
    DROP,
    HANG,
    RealMailServer,
    ScriptedMailServer,
    account_at,
)
from tests.support.patience import until
from tests.support.ports import a_port_where_nobody_listens
from tests.support.scene import LONG
from tests.support.sending import DEADLINES, SYSTEMS_TRUST, a_sender, let_time_out

LETTER = b"Subject: hello\r\n\r\n.a line that begins with a dot\r\nthe end\r\n"
PASSWORD = "correct horse"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def plain() -> Iterator[RealMailServer]:
    with RealMailServer() as server:
        yield server


def a_letter(*to: str) -> Request:
    return Request(
        url=mailto(to or ["ada@example.com"]),
        headers={"Content-Type": "message/rfc822"},
        body=LETTER,
    )


async def mail(
    account: MailAccount | None,
    *to: str,
    deadline=LONG,
    tls: ssl.SSLContext = SYSTEMS_TRUST,
    is_test: bool = False,
) -> Outcome:
    """Send a letter, and read the answer as the format does."""
    async with a_sender(mail=account, deadline=deadline, tls=tls) as sender:
        outcome = await sender.send(a_letter(*to), is_test=is_test)
    return read_outcome(outcome, FORMATS["email"], host="")


async def test_a_letter_arrives_from_the_sender_of_the_settings(plain):
    outcome = await mail(plain.account, "ada@example.com", "bob@example.com")

    assert (outcome.status_code, outcome.failure) == (250, None)
    assert outcome.response_body == b"2.0.0 Ok: queued as 4XyZ"
    letter = plain.letter()
    assert letter.sender == "runhook@example.com"
    assert letter.recipients == ["ada@example.com", "bob@example.com"]
    assert letter.body == b"From: Runhook <runhook@example.com>\r\n" + LETTER


async def test_a_letter_goes_over_tls_with_a_login(authority):
    with RealMailServer(tls=authority.pem_of_server(), login=("ada", PASSWORD)) as server:
        account = account_at(server.port, scheme="smtps", login="ada:correct%20horse@")
        outcome = await mail(account, tls=authority.trusted())

        assert outcome.failure is None, outcome.error
        assert server.letter().recipients == ["ada@example.com"]


async def test_a_letter_goes_over_starttls_with_a_login(authority):
    with RealMailServer(starttls=authority.pem_of_server(), login=("ada", PASSWORD)) as server:
        account = account_at(server.port, login="ada:correct%20horse@")
        outcome = await mail(account, tls=authority.trusted())

        assert outcome.failure is None, outcome.error
        assert server.letter().recipients == ["ada@example.com"]


async def test_a_wrong_password_is_tried_again_and_shown_to_nobody(authority):
    with RealMailServer(tls=authority.pem_of_server(), login=("ada", PASSWORD)) as server:
        account = account_at(server.port, scheme="smtps", login="ada:not%20the%20password@")
        outcome = await mail(account, tls=authority.trusted())

    assert (outcome.status_code, outcome.failure) == (535, FailureReason.SMTP_STATUS)
    assert outcome.is_ours
    assert "Check user and password in RUNHOOK_SMTP_URL." in outcome.error
    assert "not the password" not in repr(outcome)


async def test_a_server_that_repeats_our_login_does_not_get_it_into_the_log():
    proof = b64encode(b"\0ada\0correct horse").decode()
    said = f"535 I know no {PASSWORD} ({proof})"
    answers = {"EHLO": "250-x\r\n250 AUTH PLAIN", "AUTH": said}
    async with ScriptedMailServer(answers) as server:
        account = account_at(server.port, login="ada:correct%20horse@", query="?tls=none")
        outcome = await mail(account)

    assert outcome.status_code == 535
    for told in (outcome.error, outcome.response_body.decode()):
        assert PASSWORD not in told
        assert proof not in told


async def test_nothing_is_told_to_a_server_without_the_tls_that_is_wanted():
    async with ScriptedMailServer() as server:
        outcome = await mail(account_at(server.port, login="ada:secret@"))

    assert outcome.failure is FailureReason.TLS_FAILED
    assert "does not offer STARTTLS" in outcome.error
    assert [one[:4] for one in server.commands] == ["EHLO"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(authority):
    for how in ("tls", "starttls"):
        pem = authority.pem_of_server(is_vouched_for=False)
        with RealMailServer(**{how: pem}) as server:
            outcome = await mail(server.account, tls=authority.trusted())

        assert outcome.failure is FailureReason.TLS_FAILED
        assert "is self-signed" in outcome.error


async def test_tls_with_a_server_that_speaks_none_from_the_start_is_said(plain):
    outcome = await mail(account_at(plain.port, scheme="smtps"))

    assert outcome.failure is FailureReason.TLS_FAILED
    assert "does that port speak TLS?" in outcome.error


@pytest.mark.parametrize(
    ("step", "command"), [("", "a greeting"), ("EHLO", "EHLO"), ("MAIL", "MAIL FROM")]
)
@pytest.mark.parametrize("code", [410, 421, 450, 554])
async def test_a_server_that_does_not_serve_is_ours_to_mend(step, command, code):
    async with ScriptedMailServer({step: f"{code} not now"}) as server:
        outcome = await mail(server.account)

    assert (outcome.status_code, outcome.is_ours) == (code, True)
    assert outcome.failure is FailureReason.SMTP_STATUS
    assert f"answered {command} with {code}: not now." in outcome.error


@pytest.mark.parametrize(
    ("step", "meaning"),
    [
        ("RCPT", Meaning.FINAL),
        ("DATA", Meaning.REFUSED),
        (".", Meaning.REFUSED),
    ],
)
async def test_what_is_refused_for_ever_is_final_if_it_is_about_this_letter(step, meaning):
    async with ScriptedMailServer({step: "554 5.7.1 no"}) as server:
        outcome = await mail(server.account)

    assert (outcome.status_code, outcome.meaning) == (554, meaning)
    assert "5.7.1 no" in outcome.error
    assert outcome.error.startswith("The mail server answered 554: ")
    assert not outcome.is_ours


@pytest.mark.parametrize("step", ["DATA", "."])
async def test_a_letter_that_is_not_taken_now_is_tried_again(step):
    async with ScriptedMailServer({step: "452 4.3.1 disk full"}) as server:
        outcome = await mail(server.account)

    assert (outcome.status_code, outcome.meaning) == (452, Meaning.RETRY)


async def test_some_refused_recipients_do_not_keep_it_from_the_others():
    refused = {"gone@example.com": "550 5.1.1 no such user", "full@example.com": "452 full"}
    with RealMailServer(refused=refused) as server:
        outcome = await mail(server.account, "ada@example.com", *refused)
        assert server.letter().recipients == ["ada@example.com"]

    assert (outcome.status_code, outcome.failure) == (250, None)
    assert "gone@example.com (550 5.1.1 no such user)" in outcome.note
    assert "full@example.com (452 full)" in outcome.note


async def test_a_letter_that_nobody_may_have_is_final():
    refused = {"a@example.com": "550 no such user", "b@example.com": "553 not here"}
    with RealMailServer(refused=refused) as server:
        outcome = await mail(server.account, *refused)

    assert (outcome.status_code, outcome.meaning) == (550, Meaning.FINAL)
    assert b"b@example.com: 553 not here" in outcome.response_body


async def test_a_letter_that_somebody_may_have_later_is_tried_again():
    refused = {"a@example.com": "550 no such user", "b@example.com": "451 greylisted"}
    with RealMailServer(refused=refused) as server:
        outcome = await mail(server.account, *refused)

    assert (outcome.status_code, outcome.meaning) == (451, Meaning.RETRY)


async def test_a_server_that_hangs_up_among_recipients_has_not_taken_it():
    answers = {"RCPT TO:<b@example.com>": "421 4.3.2 shutting down"}
    async with ScriptedMailServer(answers) as server:
        outcome = await mail(server.account, "a@example.com", "b@example.com", "c@example.com")

    assert (outcome.status_code, outcome.is_ours) == (421, True)
    assert not server.bodies


@pytest.mark.parametrize(
    ("step", "is_ours"),
    [("", True), ("EHLO", True), ("MAIL", True), ("RCPT", True), ("DATA", False), (".", False)],
)
async def test_a_server_that_hangs_up_is_ours_unless_it_may_have_the_letter(step, *, is_ours):
    async with ScriptedMailServer({step: DROP}) as server:
        outcome = await mail(server.account)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.meaning is None
    assert "closed the connection before it had answered" in outcome.error
    assert outcome.is_ours == is_ours


@pytest.mark.parametrize(
    ("step", "asked", "is_ours"),
    [("", "a greeting", True), ("RCPT", "RCPT TO", True), (".", "DATA", False)],
)
async def test_a_server_that_says_nothing_is_left_at_the_deadline(step, asked, *, is_ours):
    def has_come(outcome: Outcome) -> bool:
        return f" when it was asked for {asked};" in outcome.error

    async with (
        ScriptedMailServer({step: HANG}) as server,
        a_sender(mail=server.account) as sender,
    ):
        outcome, deadline = await let_time_out(sender, a_letter(), has_come)

    assert outcome.failure is FailureReason.TIMED_OUT
    assert f"did not answer within {deadline} when" in outcome.error
    assert outcome.is_ours == is_ours


@pytest.mark.parametrize(
    "endless", [b"220-hello\r\n" * 200, b"2" * 500, b"250-" + b"x" * 10_000, b"\0\xff" * 4_000]
)
@pytest.mark.parametrize("step", ["", "EHLO", "RCPT", "."])
async def test_a_server_that_never_ends_is_left(endless, step):
    async with ScriptedMailServer({step: endless}) as server:
        outcome = await mail(server.account)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert "is not SMTP" in outcome.error


async def test_a_web_server_is_no_mail_server():
    async with ScriptedMailServer({"": "HTTP/1.1 400 Bad Request"}) as server:
        outcome = await mail(server.account)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert "is not SMTP" in outcome.error


@pytest.mark.parametrize("goodbye", [HANG, DROP, "500 stay", "2"])
async def test_what_a_server_does_after_it_has_the_letter_changes_nothing(goodbye):
    async with ScriptedMailServer({"QUIT": goodbye}) as server:
        outcome = await mail(server.account)

    assert outcome.failure is None
    assert len(server.bodies) == 1


async def test_a_server_that_is_not_there_is_ours():
    with a_port_where_nobody_listens() as port:
        outcome = await mail(account_at(port))

    assert (outcome.failure, outcome.is_ours) == (FailureReason.CONNECTION_FAILED, True)
    assert "connection refused" in outcome.error


async def test_without_a_mail_server_it_is_said_what_to_set():
    outcome = await mail(None)

    assert outcome.failure is FailureReason.NOT_SET_UP
    assert "RUNHOOK_SMTP_URL" in outcome.error


async def test_a_mail_server_is_used_by_a_few_at_a_time():
    async with (
        ScriptedMailServer({".": HANG}) as server,
        a_sender(mail=server.account) as sender,
    ):
        sending = asyncio.gather(*(sender.send(a_letter()) for _ in range(12)))

        async def four_are_open() -> bool:
            return server.open == 4

        await until(four_are_open)
        waiting = await sender.send(replace(a_letter(), timeout=DEADLINES[0]))
        assert (waiting.failure, waiting.is_ours) == (FailureReason.TIMED_OUT, True)
        server.answers["."] = "250 2.0.0 Ok"
        server.hang_up()
        await sending

    assert server.most_open == 4
