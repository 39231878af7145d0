"""No one comes in by an answer that the provider did not give to their own sign-in, or by a
provider that lies, floods or hangs."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from runhook.domain.people.id_tokens import IdTokenRefusedError
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK
from runhook.operations.people.devices import new_device
from runhook.server.access.openid.flow import LIFETIME, STARTED_COOKIE
from runhook.server.access.openid.signatures import read_keys, verified_claims
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.storage.engine.tables import sessions, users
from tests.signing_in.conftest import House, is_signed_in, refusal_in
from tests.signing_in.second_factors import ADA
from tests.support.accounts import rows_of
from tests.support.identity_provider import (
    KEY,
    OTHER_KEY,
    Claims,
    Forge,
    ScriptedProvider,
    as_json,
    ec_key,
    rsa_key,
    sign,
    signed,
    unsigned,
)
from tests.support.people import session_of_new_user
from tests.support.receiver import raw, reset, status

UNNAMED = RSAKey.import_key({**KEY.as_dict(private=True), "kid": ""})
SHORT = timedelta(minutes=3)


def with_claims(**otherwise: Any) -> Forge:
    """A token signed as it should be, which says something else; None leaves a claim out."""

    def forge(provider: ScriptedProvider, claims: Claims) -> str:
        changed = {**claims, **otherwise}
        return signed(provider, {name: one for name, one in changed.items() if one is not None})

    return forge


def at(**moments: timedelta) -> Forge:
    """A token with times that far from now."""

    def forge(provider: ScriptedProvider, claims: Claims) -> str:
        now = provider.clock.now()
        times = {name: int((now + pause).timestamp()) for name, pause in moments.items()}
        return signed(provider, {**claims, **times})

    return forge


def changed_afterwards(provider: ScriptedProvider, claims: Claims) -> str:
    """Other claims under the signature of the right ones."""
    head, _, signature = signed(provider, claims).split(".")
    payload = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "root"}).encode())
    return f"{head}.{payload.decode().rstrip('=')}.{signature}"


def by_public_key(provider: ScriptedProvider, claims: Claims) -> str:
    """HS256, keyed with the public key that everybody can read."""
    secret = OctKey.import_key(KEY.as_pem(private=False))
    return sign(claims, secret, alg="HS256", kid="first")


def by_client_secret(provider: ScriptedProvider, claims: Claims) -> str:
    """HS256, keyed with the client's secret."""
    return sign(claims, OctKey.import_key("a secret, made longer for the algorithm"), alg="HS256")


def twice(provider: ScriptedProvider, claims: Claims) -> str:
    """The right claims, and behind them others of the same names."""
    text = json.dumps(claims)[:-1] + ', "sub": "root"}'
    return jws.serialize_compact({"alg": "RS256", "kid": "first"}, text, provider.key)


def claims_in_a_list(provider: ScriptedProvider, claims: Claims) -> str:
    """The right claims, signed, in what is no object."""
    return jws.serialize_compact({"alg": "RS256", "kid": "first"}, json.dumps([claims]), KEY)


FORGERIES: dict[str, Forge] = {
    "other claims under a signature": changed_afterwards,
    "another key of the same name": lambda _, c: sign(c, rsa_key("first"), alg="RS256"),
    "another key of no name": lambda _, c: sign(c, rsa_key(""), alg="RS256"),
    "a key that is not published": lambda _, c: sign(c, OTHER_KEY, alg="RS256"),
    "a key of another kind": lambda _, c: sign(c, ec_key("first"), alg="ES256"),
    "a key in the token's own head": lambda _, c: sign(
        c, OTHER_KEY, alg="RS256", kid="first", jwk=OTHER_KEY.as_dict(private=False)
    ),
    "no signature": lambda _, c: unsigned(c, alg="none"),
    "no signature, in capitals": lambda _, c: unsigned(c, alg="NONE", kid="first"),
    "no signature, of RS256": lambda _, c: unsigned(c, alg="RS256", kid="first"),
    "no algorithm": lambda _, c: unsigned(c, kid="first"),
    "an algorithm that is no text": lambda _, c: unsigned(c, alg=["RS256"], kid="first"),
    "a shared secret that is the public key": by_public_key,
    "a shared secret that is the client's": by_client_secret,
    "a critical extension": lambda _, c: unsigned(
        c, b"x" * 256, alg="RS256", kid="first", crit=["exp"], exp=1
    ),
    "expired": at(exp=-SHORT),
    "without an end": with_claims(exp=None),
    "an end that is no number": with_claims(exp="tomorrow"),
    "an end beyond all time": with_claims(exp=1e300),
    "without a beginning": with_claims(iat=None),
    "issued in the future": at(iat=SHORT),
    "not valid yet": at(nbf=SHORT),
    "issued long ago": at(iat=-timedelta(hours=1)),
    "for another client": with_claims(aud="another"),
    "for no client": with_claims(aud=None),
    "for others too, issued to another": with_claims(aud=["runhook", "another"], azp="another"),
    "for others too, issued to nobody": with_claims(aud=["runhook", "another"]),
    "issued to another": with_claims(azp="another"),
    "of another issuer": with_claims(iss="https://evil.example.com"),
    "of an issuer that begins alike": lambda p, c: signed(p, {**c, "iss": f"{p.issuer}/"}),
    "of no issuer": with_claims(iss=None),
    "for another sign-in": with_claims(nonce="another"),
    "for no sign-in": with_claims(nonce=None),
    "of no subject": with_claims(sub=None),
    "of an empty subject": with_claims(sub=""),
    "of a subject of many kilobytes": with_claims(sub="a" * 10_000),
    "with another access token": with_claims(at_hash="A" * 22),
    "huge": with_claims(padding="a" * 90_000),
    "no token": lambda *_: "",
    "encrypted": lambda *_: "e30.e30.e30.e30.e30",
    "not a token": lambda *_: "\u2603.\0.x",
    **{
        f"half a character in {name}": with_claims(**{name: value})
        for name, value in {
            "sub": "a\ud800",
            "nonce": "\udfff",
            "at_hash": "\ud800",
            "name": "\ud800",
            "email": "\ud800@example.com",
            "groups": ["\ud800"],
        }.items()
    },
    "claims that are no object": claims_in_a_list,
    "claims said twice": twice,
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_no_forged_token_is_believed(house: House, name: str):
    house.scripted.forge = FORGERIES[name]
    visitor = house.browser()

    answer = await house.sign_in(visitor)

    assert refusal_in(answer)
    assert not is_signed_in(visitor)
    assert await rows_of(house.api.store, sessions) == []
    assert await rows_of(house.api.store, users) == []


@pytest.mark.parametrize(
    ("moment", "forge"),
    [
        ("a clock a little behind", at(iat=timedelta(seconds=50))),
        ("a clock a little ahead", at(exp=-timedelta(seconds=50))),
        ("audiences in a list", with_claims(aud=["runhook"])),
        ("issued to us, for others too", with_claims(aud=["x", "runhook"], azp="runhook")),
        ("a key without a name", lambda _, c: sign(c, UNNAMED, alg="PS256")),
    ],
)
async def test_what_is_only_unusual_is_believed(house: House, moment: str, forge: Forge):
    house.scripted.forge = forge
    visitor = house.browser()

    await house.sign_in(visitor)

    assert is_signed_in(visitor)


def test_no_token_counts_once_any_letter_of_it_is_another():
    claims = {"iss": "i", "aud": "c", "sub": "s", "nonce": "n", "iat": 1, "exp": 2}
    token = sign(claims, KEY, alg="RS256")
    keys = read_keys({"keys": [KEY.as_dict(private=False)]})
    assert verified_claims(token, keys).payload == claims

    accepted = 0
    for place in range(len(token)):
        letter = "A" if token[place] != "A" else "B"
        forged = f"{token[:place]}{letter}{token[place + 1 :]}"
        try:
            verified_claims(forged, keys)
        except IdTokenRefusedError:
            continue
        accepted += forged.rpartition(".")[0] != token.rpartition(".")[0]
    assert accepted == 0


OTHERS_ADDRESS = {
    "of the user info, by the ID token": ({"email": None}, {"email": "ada@example.com"}),
    "of the ID token, by the user info": (
        {"email_verified": None},
        {"email": "mallory@example.com", "email_verified": True},
    ),
    "of the ID token, by a user info without one": (
        {"email_verified": None},
        {"email_verified": True},
    ),
    "of the ID token, by the user info that denies it": (
        {"email_verified": False},
        {"email": "ada@example.com", "email_verified": True},
    ),
}
"""What is said of one address, and where another one is verified."""


@pytest.mark.parametrize("name", OTHERS_ADDRESS)
async def test_an_address_is_verified_by_what_names_it(house: House, name: str):
    await session_of_new_user(house.api.store, house.api.clock, Role.OWNER, email=ADA)
    claims, told = OTHERS_ADDRESS[name]
    house.scripted.told = {"sub": "mallory", "groups": ["data-team"], **told}
    visitor = house.browser()

    answer = await house.sign_in(visitor, sub="mallory", groups=None, **claims)

    assert "does not say that it has verified this address" in refusal_in(answer)
    assert not is_signed_in(visitor)


@pytest.mark.parametrize("where", ["ID token", "user info"])
async def test_an_address_that_both_places_name_is_verified_by_either(house: House, where: str):
    await session_of_new_user(house.api.store, house.api.clock, Role.OWNER, email=ADA)
    is_told = where == "user info"
    house.scripted.told = {"sub": "ada", "email": ADA, "groups": ["data-team"]}
    if is_told:
        house.scripted.told["email_verified"] = True
    visitor = house.browser()

    await house.sign_in(visitor, groups=None, email_verified=None if is_told else True)

    assert is_signed_in(visitor)
    assert len(await rows_of(house.api.store, users)) == 1


Attack = Callable[[House, httpx.AsyncClient], Awaitable[httpx.Response]]


async def answer_replayed(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    """The whole answer again, with the cookie of the first time, and a provider that redeems it."""
    house.scripted.redeems_again = True
    query = await house.begin(visitor)
    kept = visitor.cookies[STARTED_COOKIE]
    await visitor.get(CALLBACK, params=query)
    await forget(visitor)
    visitor.cookies.set(STARTED_COOKIE, kept)
    return await visitor.get(CALLBACK, params=query)


async def answer_of_another_browser(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    """An answer that somebody else's browser got, as mallory sends ada a link to it."""
    query = await house.begin(house.browser())
    await house.begin(visitor)
    return await visitor.get(CALLBACK, params=query)


async def answer_without_a_question(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    return await visitor.get(CALLBACK, params=await house.begin(house.browser()))


async def no_state(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    return await visitor.get(CALLBACK, params={"code": query["code"], "iss": query["iss"]})


async def two_states(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    return await visitor.get(CALLBACK, params=[*query.items(), ("state", query["state"])])


async def code_injected(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    """A code that was issued to somebody else's sign-in, in one's own: PKCE refuses it."""
    stolen = await house.begin(house.browser())
    query = await house.begin(visitor)
    return await visitor.get(CALLBACK, params={**query, "code": stolen["code"]})


async def code_injected_without_pkce(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    """The same by a provider that does not look at the verifier: the nonce refuses it."""
    stolen = await house.begin(house.browser())
    query = await house.begin(visitor)
    codes = house.scripted._codes
    codes[stolen["code"]] = type(codes[query["code"]])(
        nonce=codes[stolen["code"]].nonce,
        challenge=codes[query["code"]].challenge,
        redirect_uri=codes[query["code"]].redirect_uri,
        client_id="runhook",
    )
    return await visitor.get(CALLBACK, params={**query, "code": stolen["code"]})


async def mixed_up_issuer(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    return await visitor.get(CALLBACK, params={**query, "iss": "https://evil.example.com"})


async def issuer_left_out(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    """Of a provider that says that it names itself."""
    query = await house.begin(visitor)
    del query["iss"]
    return await visitor.get(CALLBACK, params=query)


async def too_late(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    house.api.clock.advance(LIFETIME + timedelta(seconds=1))
    return await visitor.get(CALLBACK, params=query)


async def cookie_of_another_purpose(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    await forget(visitor)
    vault = house.api.store.vault
    visitor.cookies.set(STARTED_COOKIE, new_device(vault, "ada@example.com"))
    return await visitor.get(CALLBACK, params=query)


async def cookie_made_up(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    await forget(visitor)
    visitor.cookies.set(STARTED_COOKIE, "A" * 4_000)
    return await visitor.get(CALLBACK, params=query)


async def huge_code(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    return await visitor.get(CALLBACK, params={**query, "code": "a" * 5_000})


async def error_with_a_code(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    query = await house.begin(visitor)
    return await visitor.get(CALLBACK, params={**query, "error": "access_denied"})


async def user_info_of_another(house: House, visitor: httpx.AsyncClient) -> httpx.Response:
    house.scripted.told = {"sub": "root", "email": "root@example.com", "groups": ["data-team"]}
    house.scripted.claims = {"groups": None, "email": None}
    return await visitor.get(CALLBACK, params=await house.begin(visitor))


ATTACKS: dict[str, Attack] = {
    "the answer again, with its cookie": answer_replayed,
    "the answer of another browser": answer_of_another_browser,
    "an answer that was not asked for": answer_without_a_question,
    "no state": no_state,
    "two states": two_states,
    "a code of another sign-in": code_injected,
    "a code of another sign-in, without PKCE": code_injected_without_pkce,
    "another issuer": mixed_up_issuer,
    "no issuer": issuer_left_out,
    "an answer that is too late": too_late,
    "a cookie for something else": cookie_of_another_purpose,
    "a cookie that was made up": cookie_made_up,
    "a huge code": huge_code,
    "an error beside a code": error_with_a_code,
    "the user info of another": user_info_of_another,
}


async def forget(visitor: httpx.AsyncClient) -> None:
    """Let a browser forget all its cookies."""
    visitor.cookies.clear()


@pytest.mark.parametrize("name", ATTACKS)
async def test_no_answer_counts_but_the_one_to_a_browsers_own_sign_in(house: House, name: str):
    visitor = house.browser()
    house.scripted.claims = {"groups": ["data-team"]}
    before = 1 if name == "the answer again, with its cookie" else 0

    answer = await ATTACKS[name](house, visitor)

    assert refusal_in(answer)
    assert not is_signed_in(visitor)
    assert len(await rows_of(house.api.store, sessions)) == before


async def test_a_new_key_of_the_provider_is_fetched_once_it_is_used(house: House):
    await house.sign_in(house.browser())
    house.scripted.key = OTHER_KEY
    house.scripted.published = [OTHER_KEY]
    provider = house.api.app.state["services"].provider
    provider._keys._asked_at -= 31
    visitor = house.browser()

    await house.sign_in(visitor)

    assert is_signed_in(visitor)
    assert house.scripted.asked_for.count("/keys") == 2


async def test_tokens_with_unknown_keys_make_the_provider_no_busier(house: House):
    house.scripted.forge = lambda _, claims: sign(claims, OTHER_KEY, alg="RS256")
    for _ in range(20):
        assert refusal_in(await house.sign_in(house.browser()))

    assert house.scripted.asked_for.count("/keys") == 1
    assert house.scripted.asked_for.count("/.well-known/openid-configuration") == 1


BROKEN = {
    "another issuer's": as_json({"issuer": "https://evil.example.com"}),
    "no JSON": status(200, body=b"<html>"),
    "JSON that never ends": status(200, body=b"[" * 200_000),
    "half a character": status(200, body=b'{"issuer": "\\ud800"}'),
    "too large": status(200, body=b'{"a": "' + b"a" * 300_000 + b'"}'),
    "a redirect": status(302, headers={"Location": "http://127.0.0.1:1/"}),
    "an error": status(500),
    "a reset": reset,
    "no HTTP": raw(b"220 mail.example.com\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_provider_that_cannot_be_asked_is_an_error_and_nothing_else(house: House, name):
    house.scripted.answers = {"/.well-known/openid-configuration": BROKEN[name]}

    answer = await house.browser().get("/sign-in/provider")

    assert answer.status_code == 503
    assert "Example ID cannot be asked just now" in answer.text
    assert (await house.browser().get("/sign-in")).status_code == 200


@pytest.mark.parametrize(
    "endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
@pytest.mark.parametrize("url", ["http://login.example.com/", "javascript:alert(1)", "", 1])
async def test_an_endpoint_that_is_not_https_is_not_used(house: House, endpoint: str, url: object):
    house.scripted.document = {endpoint: url}

    assert (await house.browser().get("/sign-in/provider")).status_code == 503


@pytest.mark.parametrize("path", ["/token", "/keys"])
@pytest.mark.parametrize("name", ["no JSON", "too large", "a redirect", "an error", "a reset"])
async def test_a_provider_that_breaks_on_the_way_back_signs_nobody_in(
    house: House, path: str, name: str
):
    visitor = house.browser()
    query = await house.begin(visitor)
    house.scripted.answers = {path: BROKEN[name]}

    answer = await visitor.get(CALLBACK, params=query)

    assert answer.status_code == 503
    assert not is_signed_in(visitor)


async def test_who_sends_answers_by_the_hundred_is_told_to_wait(house: House):
    for _ in range(LIMITS[Rationed.ANSWER_FROM].most):
        await house.browser().get(CALLBACK)

    assert (await house.browser().get(CALLBACK)).status_code == 429


async def test_a_look_at_the_head_alone_uses_up_no_answer(house: House):
    visitor = house.browser()
    house.scripted.claims = {"groups": ["data-team"]}
    query = await house.begin(visitor)

    assert (await visitor.head(CALLBACK, params=query)).status_code == 405
    await visitor.get(CALLBACK, params=query)

    assert is_signed_in(visitor)
