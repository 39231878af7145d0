"""Letters and addresses: what mail programs read, and what is refused before it is sent."""

from dataclasses import replace
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.email import EmailSettings
from runhook.domain.formats.format import SMTP_COMMAND, Answer, Meaning
from runhook.domain.messages.letters import (
    Letter,
    encoded_header,
    from_line,
    host_of_letters,
    html_link,
    html_value,
    letter_bytes,
)
from runhook.domain.messages.mailboxes import (
    FORM,
    NAME_LIMIT,
    Mailbox,
    MailServer,
    Security,
    addresses_in,
    check_address,
    mailto,
)
from tests.formats import hostile, stories
from tests.formats.services import service_of
from tests.formats.services.email import letter_in, page_of, text_of
from tests.formats.test_every_format import rendered

ENCODED_WORD = "=?utf-8?q?Bcc:_eve=40example.com?="


A_LETTER = Letter(
    id="wev_1",
    host="example.com",
    to=["a@example.com"],
    subject="größe " * 12,
    text="text",
    html="<p>text</p>",
    date=stories.ENDED,
)


def letter_about(name: str):
    job = replace(stories.NIGHTLY, name=name)
    return rendered("email", stories.failed(job=job), stories.telling()).body


@pytest.mark.parametrize(
    "name",
    [
        "nightly\r\nBcc: eve@example.com",
        "nightly\nBcc: eve@example.com",
        "nightly\u2028Bcc: eve@example.com",
        "nightly\x85Bcc: eve@example.com",
        "nightly\r\n\r\n<script>",
        ENCODED_WORD,
        "ночной " * 20,
        "\N{FAMILY}" * 150,
        "a" * 200,
        "",
    ],
)
def test_no_name_adds_a_header(name):
    body = letter_about(name)

    service_of("email").check(rendered("email", stories.failed(), stories.telling()))
    letter = letter_in(body)
    assert letter["Bcc"] is None
    assert letter["To"] == "data@example.com, ada@example.com"
    assert all(len(one) <= 998 for one in body.split(b"\r\n"))
    if name == ENCODED_WORD:
        assert ENCODED_WORD in str(letter["Subject"])


@given(name=hostile.texts)
def test_the_subject_is_what_people_read_elsewhere(name):
    body = letter_about(name)

    subject = str(letter_in(body)["Subject"])
    assert subject in " ".join(text_of(body).split())[: len(subject) + 20]


def test_html_holds_what_is_told_escaped():
    page = page_of(letter_about("<b>bold</b> & <img src=x>"))

    assert "<b>bold</b> & <img src=x> failed in prod" in page.text
    assert page.links == [
        "https://runhook.example.com/accounts/1/runs/812",
        "https://github.com/acme/warehouse/actions/runs/41",
        f"https://runhook.example.com/accounts/1/webhooks/{stories.telling().webhook_id}",
    ]


def test_plain_text_fits_a_terminal():
    lines = text_of(letter_about("nightly")).splitlines()

    assert all(len(one) <= 76 or one.startswith("https://") for one in lines)
    assert "-- " in lines


@given(st.text(max_size=120))
def test_a_senders_name_stays_one_header(name):
    line = from_line(Mailbox("runhook@example.com", " ".join(name.split()).replace('"', "")))

    assert line.isascii()
    message = BytesParser(policy=policy.compat32).parsebytes(line + b"\r\n")
    assert message.keys() == ["From"]


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        (" Ada.Lovelace+dbt@EXAMPLE.com ", "Ada.Lovelace+dbt@example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("root@localhost", "root@localhost"),
        ("a%b@example.com.", "a%b@example.com"),
    ],
)
def test_an_address_is_kept_as_it_goes_over_the_wire(given_, kept):
    assert check_address(given_) == kept
    assert addresses_in(mailto([kept, "b@example.com"])) == (kept, "b@example.com")


def test_why_an_address_is_refused_is_said():
    with pytest.raises(InvalidError) as refused:
        check_address("ada\nlovelace" + "x" * 80)
    assert refused.value.message == (
        f"`ada lovelace{'x' * 68}` is not an e-mail address such as ada@example.com; before the "
        "`@` it has ASCII letters, digits and dots"
    )

    with pytest.raises(InvalidError) as too_long:
        check_address("a" * 64 + "@" + "b." * 91 + "examples")
    assert too_long.value.message == "an e-mail address has at most 254 characters"


def test_an_address_has_64_characters_before_the_at_and_254_in_all():
    longest = "a" * 64 + "@" + "b." * 91 + "example"

    assert len(longest) == 254
    assert check_address(longest) == longest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "a@b@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com,eve@example.com",
        "ada@exam\u2028ple.com",
        "<ada@example.com>",
        '"a b"@example.com',
        "jürgen@example.com",
        "a..b@example.com",
        ".a@example.com",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "ada@exa_mple.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
        "ada@example.com>",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidError):
        check_address(text)


@pytest.mark.parametrize(
    ("url", "place", "security", "login"),
    [
        ("smtp://mail.example.com", "mail.example.com:587", Security.STARTTLS, None),
        ("SMTPS://mail.example.com/", "mail.example.com:465", Security.TLS, None),
        ("smtp://[::1]:25?tls=none", "[::1]:25", Security.NONE, None),
        ("smtp://10.0.0.7:2525?tls=none", "10.0.0.7:2525", Security.NONE, None),
        ("smtp://mail.example.com:1", "mail.example.com:1", Security.STARTTLS, None),
        ("smtp://a:b:c@x.org:65535", "x.org:65535", Security.STARTTLS, ("a", "b:c")),
        (
            "smtps://ada%40example.com:p%40ss%3Aw%2F@mail.example.com:9",
            "mail.example.com:9",
            Security.TLS,
            ("ada@example.com", "p@ss:w/"),
        ),
    ],
)
def test_a_mail_server_is_named_by_a_url(url, place, security, login):
    server = MailServer.parse(url)

    assert (server.place, server.security, server.login) == (place, security, login)
    assert "p@ss" not in repr(server)


OTHER_QUERY = "behind the host there can be `?tls=none` of smtp://, and nothing else"
NO_PORT = "its port is not a number from 1 to 65535"
IN_CLEAR = (
    "a password is not sent without TLS to another machine; leave `tls=none` or the login out"
)
HALF_A_LOGIN = "give user and password, or neither"
NO_HOST = f"its host cannot be looked up; {FORM}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mail.example.com", FORM),
        ("http://mail.example.com", FORM),
        ("smtp://", FORM),
        ("smtp://user:secret-word@", FORM),
        ("smtp://user@mail.example.com", HALF_A_LOGIN),
        ("smtp://:secret-word@mail.example.com", HALF_A_LOGIN),
        ("smtp://user:secret-word@mail.example.com?tls=none", IN_CLEAR),
        ("smtps://mail.example.com?tls=none", OTHER_QUERY),
        ("smtp://mail.example.com?tls=no", OTHER_QUERY),
        ("smtp://mail.example.com:0", NO_PORT),
        ("smtp://mail.example.com:65536", NO_PORT),
        ("smtp://mail.example.com:x", NO_PORT),
        ("smtp://user:secret-word#1@mail.example.com", FORM),
        ("smtp://user:secret-word/1@mail.example.com", FORM),
        ("smtp://user:secret-word@mail.example.com/path", FORM),
        ("smtp://user:secret-word@ma il.example.com", NO_HOST),
        ("smtp://user:secret-word@mail.example.com\r\nx", FORM),
        ("smtp://user:secret-word@[::1", FORM),
    ],
)
def test_what_names_no_mail_server_is_refused_without_its_password(url, message):
    with pytest.raises(InvalidError) as refused:
        MailServer.parse(url)

    assert refused.value.message == message
    assert "secret-word" not in message


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_password_is_sent_without_tls_on_this_machine(host):
    assert MailServer.parse(f"smtp://u:p@{host}?tls=none").login == ("u", "p")


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("  ada@example.com ", "", "ada@example.com"),
        ('"Ada  L." <ada@example.com>', "Ada L.", "ada@example.com"),
        ("Ada <3 <ada@example.com>", "Ada <3", "ada@example.com"),
        ("Xaver X <x@example.com>", "Xaver X", "x@example.com"),
        ("x" * NAME_LIMIT + " <a@x.org>", "x" * NAME_LIMIT, "a@x.org"),
    ],
)
def test_a_mailbox_is_an_address_with_a_name_or_without(text, name, address):
    assert Mailbox.parse(text) == Mailbox(address, name)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(InvalidError) as refused:
        Mailbox.parse("x" * (NAME_LIMIT + 1) + " <a@x.org>")

    assert refused.value.message == f"a name has at most {NAME_LIMIT} characters"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("runhook@example.com", b"From: runhook@example.com\r\n"),
        ("Runhook <runhook@example.com>", b"From: Runhook <runhook@example.com>\r\n"),
        ('"dbt, prod" <r@example.com>', b'From: "dbt, prod" <r@example.com>\r\n'),
        ("Büro <r@example.com>", b"From: =?utf-8?b?QsO8cm8=?= <r@example.com>\r\n"),
    ],
)
def test_a_sender_may_have_a_name(text, header):
    assert from_line(Mailbox.parse(text)) == header


def test_letters_are_named_by_the_services_own_host():
    hosts = {
        None: "runhook.invalid",
        "https://runhook.example.com/base": "runhook.example.com",
        "http://localhost:8580": "runhook.invalid",
        "http://[::1]:8580": "runhook.invalid",
        "http://[::1.2.3.4]:8580": "runhook.invalid",
        "https://runhook.example.com.": "runhook.example.com",
        f"https://{'a.' * 98}org": f"{'a.' * 98}org",
        f"https://{'a.' * 98}info": "runhook.invalid",
    }

    assert {url: host_of_letters(url) for url in hosts} == hosts


@pytest.mark.parametrize("command", ["", "a greeting", "EHLO", "STARTTLS", "AUTH"])
def test_a_server_that_does_not_serve_costs_no_letter(command):
    for status in (410, 421, 502, 535, 554):
        answer = Answer(status=status, headers={SMTP_COMMAND: command})
        assert FORMATS["email"].read(answer).meaning is Meaning.RETRY


@pytest.mark.parametrize(
    ("status", "command", "meaning"),
    [
        (250, "DATA", Meaning.TAKEN),
        (500, "DATA", Meaning.REFUSED),
        (554, "DATA", Meaning.REFUSED),
        (599, "DATA", Meaning.REFUSED),
        (500, "RCPT TO", Meaning.FINAL),
        (550, "RCPT TO", Meaning.FINAL),
        (452, "DATA", Meaning.RETRY),
        (450, "RCPT TO", Meaning.RETRY),
        (600, "DATA", Meaning.RETRY),
    ],
)
def test_a_refusal_for_ever_is_of_the_letter_or_of_its_addresses(status, command, meaning):
    answer = Answer(status=status, headers={SMTP_COMMAND: command}, body=b"5.1.1 no such user")
    reading = FORMATS["email"].read(answer)

    assert reading.meaning is meaning
    assert reading.words == (
        "5.1.1 no such user" if meaning in {Meaning.REFUSED, Meaning.FINAL} else ""
    )


def test_an_answer_to_no_command_is_tried_again():
    assert FORMATS["email"].read(Answer(status=554)).meaning is Meaning.RETRY


def test_a_letter_goes_to_addresses_and_to_no_url():
    with pytest.raises(InvalidError) as no_address:
        FORMATS["email"].check(EmailSettings())
    with pytest.raises(InvalidError) as url:
        FORMATS["email"].check_url("https://example.com")

    assert no_address.value.message == "to: give at least one address"
    assert url.value.message == (
        "client_url: leave it out: e-mail goes to the addresses in `format_settings.to`"
    )
    assert FORMATS["email"].address(EmailSettings()) is None
    assert FORMATS["email"].address(EmailSettings(to=("a@x.org", "b@x.org"))) == (
        "mailto:a@x.org,b@x.org"
    )


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("nightly failed in prod", "nightly failed in prod"),
        ("a = b?", "a = b?"),
        ("größe", "=?utf-8?b?Z3LDtsOfZQ==?="),
        ("=?utf-8?q?evil?=", "=?utf-8?b?PT91dGYtOD9xP2V2aWw/PQ==?="),
    ],
)
def test_a_header_says_what_was_written_though_it_looks_encoded(text, encoded):
    assert encoded_header("Subject", text) == encoded
    assert str(make_header(decode_header(encoded))) == text


def test_a_long_subject_and_a_long_sender_are_folded_behind_the_headers_name():
    letter = letter_bytes(A_LETTER)
    subject = letter[: letter.index(b"Date: ")].partition(b"Subject: ")
    sender = from_line(Mailbox("r@example.com", A_LETTER.subject)).rpartition(b" <")[0]

    for header in (b"".join(subject[1:]), sender):
        lines = header.strip().split(b"\r\n")
        assert len(lines) > 1
        assert max(map(len, lines)) <= 78


def test_a_letter_of_no_thread_answers_none():
    letter = letter_in(letter_bytes(A_LETTER))
    answering = letter_in(letter_bytes(replace(A_LETTER, thread="wsu_1.key")))

    assert (letter["In-Reply-To"], letter["References"]) == (None, None)
    assert answering["In-Reply-To"] == answering["References"] == "<wsu_1.key@example.com>"


def test_a_long_header_is_folded_behind_its_name():
    words = "word " * 20

    lines = encoded_header("A-long-name-of-a-header", words.strip()).split("\r\n")

    assert len("A-long-name-of-a-header: " + lines[0]) <= 78
    assert " ".join(line.strip() for line in lines) == words.strip()
    assert len(lines) == 2


def test_a_value_in_html_is_no_markup_and_keeps_its_lines():
    assert html_value("a <b>\nc & d") == "<bdi>a &lt;b&gt;<br>c &amp; d</bdi>"
    assert html_link("<Open>", "https://x.org/?a&b") == (
        '<a href="https://x.org/?a&amp;b" style="font-weight:600">&lt;Open&gt;</a>'
    )
