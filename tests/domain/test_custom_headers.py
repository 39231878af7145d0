import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import MASK
from runhook.domain.webhooks.custom_headers import (
    HEADERS_LIMIT,
    NAME_LIMIT,
    VALUE_LIMIT,
    HeadersKind,
)

HEADERS = HeadersKind()


def test_headers_are_written_by_name_and_shown_a_line_each():
    headers = {"X-One": "1", "X-Two": "2"}

    assert HEADERS.write(headers) == headers
    assert HEADERS.show(headers) == "X-One: 1\nX-Two: 2"


def test_what_is_masked_keeps_its_value_whatever_the_case_of_its_name():
    kept = {"X-One": "1", "X-Two": "2"}

    headers = HEADERS.unmasked({"x-two": MASK, "X-Three": "3"}, kept)

    assert headers == {"x-two": "2", "X-Three": "3"}


def test_a_mask_without_a_value_behind_it_is_refused():
    with pytest.raises(InvalidError, match="`X-New` has no value yet"):
        HEADERS.unmasked({"X-New": MASK}, {"X-Old": "1"})


@pytest.mark.parametrize("name", ["Accept", "X-Api-Key", "x_key", "ce-type", "Idempotency-Key"])
@pytest.mark.parametrize("value", ["a", "Bearer abc.def", "two\twords", "~!", "x" * 4_000])
def test_ordinary_headers_pass_as_they_are(name, value):
    assert HEADERS.read({name: value}) == {name: value}


@pytest.mark.parametrize(
    "name",
    [
        "AUTHORIZATION",
        "Content-Encoding",
        "Proxy-Authorization",
        "Webhook-Id",
        "User-Agent",
        "TE",
        "Accept-Encoding",
    ],
)
def test_what_signs_or_frames_the_request_is_reserved_in_any_case(name):
    with pytest.raises(InvalidError, match="is reserved"):
        HEADERS.read({name: "1"})


@pytest.mark.parametrize("value", ["1\r\nX-Other: 2", "1\n", "\r", "\x00", "\x7f", "ü", " 1", "1 "])
def test_no_value_can_end_its_line_or_begin_another(value):
    with pytest.raises(InvalidError, match="one line"):
        HEADERS.read({"X-Key": value})


def refusal(name_and_values) -> str:
    with pytest.raises(InvalidError) as refused:
        HEADERS.read(dict(name_and_values))
    return refused.value.sentence


def test_what_is_wrong_with_a_header_is_said_without_its_value():
    long = "x" * (NAME_LIMIT + 1)

    assert refusal({long: "1"}) == f"the name `{'x' * 40}...` is too long; {NAME_LIMIT} at most"
    assert refusal({"X Key": "1"}) == (
        "`X Key` is not a header's name; letters, digits and hyphens make one"
    )
    assert refusal({"X-Key": "v" * (VALUE_LIMIT + 1)}) == (
        f"the value of `X-Key` has {VALUE_LIMIT + 1} characters; {VALUE_LIMIT} at most"
    )
    assert refusal({"X-Key": " secret"}) == (
        "the value of `X-Key` is not one line of visible ASCII characters, without spaces around it"
    )
    assert refusal({"X-Key": "1", "X-Other": "2", "x-key": "3"}) == "`x-key` is named twice"


def test_names_values_and_headers_may_be_as_long_and_many_as_their_limits():
    most = {f"X-{n}": "1" for n in range(HEADERS_LIMIT)}

    assert HEADERS.read({"x" * NAME_LIMIT: "v" * VALUE_LIMIT}) == {
        "x" * NAME_LIMIT: "v" * VALUE_LIMIT
    }
    assert HEADERS.read(most) == most
    assert refusal(most | {"X-More": "1"}) == (
        f"{HEADERS_LIMIT + 1} headers are too many; {HEADERS_LIMIT} at most"
    )


def test_a_form_has_one_header_a_line():
    assert HEADERS.understand("X-One: 1\n\n X-Two :a:b \n") == {"X-One": "1", "X-Two": "a:b"}
    assert HEADERS.show({"X-One": "1", "X-Two": "a:b"}) == "X-One: 1\nX-Two: a:b"
    for text, sentence in [
        ("X-One 1", "`X-One 1` is not of the form `Name: value`"),
        ("X-One: 1\nx-one: 2", "`x-one` is named twice"),
    ]:
        with pytest.raises(InvalidError) as refused:
            HEADERS.understand(text)
        assert refused.value.sentence == sentence


def test_values_are_masked_and_audited_by_name_alone():
    headers = {"X-One": "1", "X-Two": "2"}

    assert HEADERS.masked(headers) == {"X-One": MASK, "X-Two": MASK}
    assert HEADERS.audited(headers) == ["X-One", "X-Two"]
    assert HEADERS.renewed({"X-One": "0", "X-Two": "2"}, headers | {"X-New": "3"}) == ["X-One"]
