import pytest

from runhook.domain.custom_headers import MASK, check_custom_headers, masked
from runhook.domain.errors import InvalidError


def test_what_is_masked_keeps_its_value_whatever_the_case_of_its_name():
    kept = {"X-One": "1", "X-Two": "2"}

    headers = check_custom_headers({"x-two": MASK, "X-Three": "3"}, kept)

    assert headers == {"x-two": "2", "X-Three": "3"}


def test_a_mask_without_a_value_behind_it_is_refused():
    with pytest.raises(InvalidError, match="`X-New` has no value yet"):
        check_custom_headers({"X-New": MASK}, {"X-Old": "1"})


@pytest.mark.parametrize("name", ["Accept", "X-Api-Key", "x_key", "ce-type", "Idempotency-Key"])
@pytest.mark.parametrize("value", ["a", "Bearer abc.def", "two\twords", "~!", "x" * 4_000])
def test_ordinary_headers_pass_as_they_are(name, value):
    assert check_custom_headers({name: value}, {}) == {name: value}


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
        check_custom_headers({name: "1"}, {})


@pytest.mark.parametrize("value", ["1\r\nX-Other: 2", "1\n", "\r", "\x00", "\x7f", "ü", " 1", "1 "])
def test_no_value_can_end_its_line_or_begin_another(value):
    with pytest.raises(InvalidError, match="one line"):
        check_custom_headers({"X-Key": value}, {})


def test_what_is_logged_shows_our_headers_and_masks_theirs():
    logged = masked({"webhook-id": "wev_1", "X-Key": "secret"}, {"X-Key": "secret"})

    assert logged == {"webhook-id": "wev_1", "X-Key": MASK}
