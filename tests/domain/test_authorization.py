"""The credential in `Authorization`, where an endpoint wants one of its own."""

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.authorization import (
    USER_LIMIT,
    VALUE_LIMIT,
    Authorization,
    Scheme,
    check_authorization_value,
    check_secret,
    check_user,
)


@pytest.mark.parametrize(
    ("given", "header"),
    [
        # The example of RFC 7617.
        (
            Authorization(scheme=Scheme.BASIC, user="Aladdin", secret="open sesame"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            Authorization(scheme=Scheme.BASIC, user="test", secret="123\u00a3"),
            "Basic dGVzdDoxMjPCow==",
        ),
        (Authorization(scheme=Scheme.BEARER, secret="abc.def"), "Bearer abc.def"),
        (Authorization(scheme=Scheme.OTHER, secret="GenieKey abc"), "GenieKey abc"),
    ],
)
def test_each_scheme_has_its_header(given, header):
    assert check_authorization_value(given).header == header


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        (Authorization(secret="x"), "scheme", "choose `basic`, `bearer` or `other`"),
        (
            Authorization(scheme=Scheme.OTHER),
            "secret",
            "give the password, the token or the value",
        ),
        (Authorization(scheme=Scheme.BASIC, secret="x"), "user", "Basic has a user too"),
        (
            Authorization(scheme=Scheme.BEARER, user="me", secret="x"),
            "user",
            "only Basic has a user",
        ),
        (
            Authorization(scheme=Scheme.OTHER, secret=" x"),
            "secret",
            "it is not one line of visible ASCII characters, without spaces around it",
        ),
        (
            Authorization(scheme=Scheme.BEARER, secret="\u00a3"),
            "secret",
            "it is not one line of visible ASCII characters, without spaces around it",
        ),
        (
            Authorization(scheme=Scheme.BEARER, secret="Bearer abc"),
            "secret",
            "a token has no spaces; leave `Bearer` out",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_with_its_field(given, field, sentence):
    with pytest.raises(InvalidError) as refused:
        check_authorization_value(given)

    assert (refused.value.field, refused.value.sentence) == (field, sentence)


def test_a_header_has_a_limit_with_its_scheme():
    longest = "x" * (VALUE_LIMIT - len("Bearer "))

    check_authorization_value(Authorization(scheme=Scheme.BEARER, secret=longest))
    with pytest.raises(InvalidError) as refused:
        check_authorization_value(Authorization(scheme=Scheme.BEARER, secret=longest + "x"))

    assert refused.value.field == "secret"
    assert refused.value.sentence == f"the header has more than {VALUE_LIMIT} characters"


def test_a_user_is_short_and_has_no_colon():
    assert check_user("u" * USER_LIMIT) == "u" * USER_LIMIT
    for text, sentence in [
        ("u" * (USER_LIMIT + 1), f"{USER_LIMIT + 1} characters are too long; {USER_LIMIT} at most"),
        ("a:b", "a user has no colon, and no character that cannot be shown"),
        ("a\nb", "a user has no colon, and no character that cannot be shown"),
    ]:
        with pytest.raises(InvalidError) as refused:
            check_user(text)
        assert refused.value.sentence == sentence


def test_a_secret_is_bounded_and_never_repeated_in_an_error():
    assert check_secret("s" * VALUE_LIMIT) == "s" * VALUE_LIMIT
    for text, sentence in [
        (
            "s" * (VALUE_LIMIT + 1),
            f"{VALUE_LIMIT + 1} characters are too long; {VALUE_LIMIT} at most",
        ),
        ("hunter2\n", "it has a character that cannot be shown, such as the end of a line"),
    ]:
        with pytest.raises(InvalidError) as refused:
            check_secret(text)
        assert refused.value.sentence == sentence
