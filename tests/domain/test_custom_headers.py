import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import MASK
from runhook.domain.webhooks.custom_headers import HeadersKind

HEADERS = HeadersKind()


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
