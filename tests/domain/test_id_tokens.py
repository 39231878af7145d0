"""A token that a provider signed is believed for one sign-in of one client, for a short time."""

from datetime import UTC, datetime, timedelta

import pytest

from runhook.domain.people.id_tokens import LEEWAY, OLDEST, Expected, IdTokenRefusedError

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EXPECTED = Expected(issuer="https://login.example.com", client_id="runhook", nonce="n-41")
GOOD = {
    "iss": EXPECTED.issuer,
    "aud": EXPECTED.client_id,
    "nonce": EXPECTED.nonce,
    "iat": NOW.timestamp(),
    "exp": (NOW + timedelta(minutes=5)).timestamp(),
}


def at(moment: datetime) -> int:
    return int(moment.timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"azp": "runhook"},
        {"aud": ["runhook"]},
        {"aud": ["other", "runhook"], "azp": "runhook"},
        {"nbf": at(NOW)},
        {"exp": at(NOW - LEEWAY + SECOND)},
        {"iat": at(NOW + LEEWAY), "nbf": at(NOW + LEEWAY)},
        {"iat": at(NOW - OLDEST - LEEWAY)},
        {"iat": at(NOW), "nbf": at(NOW - timedelta(days=1))},
    ],
)
def test_a_token_for_this_sign_in_is_believed_with_room_for_another_clock(claims):
    EXPECTED.check({**GOOD, **claims}, NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://login.example.com/"}, "is of another issuer"),
        ({"iss": None}, "is of another issuer"),
        ({"aud": "other"}, "is for another client"),
        ({"aud": ["other"]}, "is for another client"),
        ({"aud": None}, "is for another client"),
        ({"aud": "runhook-2"}, "is for another client"),
        ({"aud": ["runhook", "other"]}, "was issued to another client"),
        ({"aud": ["runhook", "other"], "azp": "other"}, "was issued to another client"),
        ({"azp": "other"}, "was issued to another client"),
        ({"azp": None}, "was issued to another client"),
        ({"nonce": "n-42"}, "is not for this sign-in"),
        ({"nonce": None}, "is not for this sign-in"),
        ({"nonce": 41}, "is not for this sign-in"),
        ({"exp": at(NOW - LEEWAY)}, "has expired"),
        ({"iat": at(NOW + LEEWAY + SECOND)}, "is not valid yet"),
        ({"nbf": at(NOW + LEEWAY + SECOND)}, "is not valid yet"),
        ({"iat": at(NOW - OLDEST - LEEWAY - SECOND)}, "was issued too long ago"),
        ({"exp": None}, "has no `exp`"),
        ({"exp": True}, "has no `exp`"),
        ({"exp": "soon"}, "has no `exp`"),
        ({"exp": 10**30}, "has no `exp`"),
        ({"exp": float("nan")}, "has no `exp`"),
        ({"iat": None}, "has no `iat`"),
        ({"nbf": "later"}, "has no `nbf`"),
    ],
)
def test_any_other_token_is_refused_with_the_reason(claims, reason):
    with pytest.raises(IdTokenRefusedError) as refused:
        EXPECTED.check({**GOOD, **claims}, NOW)

    assert str(refused.value) == reason
