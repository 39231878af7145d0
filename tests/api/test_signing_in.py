"""Signing in and out by the API, and what a session is good for until it ends."""

from datetime import timedelta

import httpx
import pytest
from argon2 import PasswordHasher

from runhook.domain.people.permissions import Role
from runhook.server.access.cookies import DEVICE_COOKIE, SESSION_COOKIE
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.storage.engine.tables import sessions, users
from tests.support.accounts import rows_of
from tests.support.api import A_WEBHOOK, ORIGIN, Api, data_of, new_webhook, told
from tests.support.people import FAST, PASSWORD, SAME_ORIGIN

SESSION = f"{ORIGIN}/api/v3/session"
SESSIONS = f"{ORIGIN}/api/v3/sessions"
USER = f"{ORIGIN}/api/v3/user"
LIST = "/webhooks/subscriptions"
ADA = "ada@example.com"
ANOTHER = "another battery staple"


async def sign_in(api: Api, email: str = ADA, password: str = PASSWORD) -> httpx.Response:
    client = api.client()
    return await client.post(SESSION, json={"email": email, "password": password})


async def browser(api: Api, email: str = ADA, password: str = PASSWORD) -> httpx.AsyncClient:
    """A browser in which somebody has just signed in."""
    client = api.client()
    client.headers.update(SAME_ORIGIN)
    data_of(await client.post(SESSION, json={"email": email, "password": password}), 201)
    return client


@pytest.fixture
async def ada(api: Api) -> httpx.AsyncClient:
    """Ada's first browser; she owns account 1."""
    return await api.client_of(Role.OWNER, email=ADA)


async def test_signing_in_says_who_one_is_and_opens_ones_accounts(api: Api, ada: httpx.AsyncClient):
    client = api.client()

    who = data_of(await client.post(SESSION, json={"email": ADA, "password": PASSWORD}), 201)

    assert who["user"]["email"] == ADA
    assert who["token"] is None
    (account,) = who["accounts"]
    assert (account["id"], account["role"]) == (1, "owner")
    assert "manage owners" in account["permissions"]
    assert data_of(await client.get(SESSION)) == who
    assert data_of(await client.get(LIST)) == []


async def test_the_cookie_is_kept_from_scripts_and_foreign_pages(api: Api, ada: httpx.AsyncClient):
    cookie, device = (await sign_in(api)).headers.get_list("set-cookie")

    name, _, attributes = cookie.partition("=")
    assert name == SESSION_COOKIE
    assert {one.strip() for one in attributes.split(";")[1:]} == {
        "HttpOnly",
        "Path=/",
        "SameSite=lax",
        "Max-Age=7776000",
    }
    assert device.startswith(f"{DEVICE_COOKIE}=")
    assert "; HttpOnly; Max-Age=31536000; Path=/; SameSite=lax" in device


async def test_behind_tls_the_cookie_never_travels_without_it(api: Api, ada: httpx.AsyncClient):
    public = Api(store=api.store, clock=api.clock, public_url="https://runhook.example.com")

    assert "; Secure" in (await sign_in(public)).headers["set-cookie"]


async def test_behind_tls_no_neighbouring_host_plants_a_session(api: Api, ada: httpx.AsyncClient):
    public = Api(store=api.store, clock=api.clock, public_url="https://runhook.example.com")
    cookies = (await sign_in(public)).headers.get_list("set-cookie")
    text = ada.cookies[SESSION_COOKIE]

    # What begins so, browsers take from this very host only, and without a Domain.
    assert [one.partition("=")[0] for one in cookies] == [
        f"__Host-{SESSION_COOKIE}",
        f"__Host-{DEVICE_COOKIE}",
    ]
    assert all("Path=/;" in one and "Domain" not in one for one in cookies)
    planted = {"Cookie": f"{SESSION_COOKIE}={text}; __Secure-{SESSION_COOKIE}={text}"}
    told(await public.client().get(LIST, headers=planted), 401)
    own = {"Cookie": f"{SESSION_COOKIE}=planted; __Host-{SESSION_COOKIE}={text}"}
    data_of(await public.client().get(LIST, headers=own))


async def test_only_digests_of_sessions_and_hashes_of_passwords_are_kept(
    api: Api, ada: httpx.AsyncClient
):
    text = (await sign_in(api)).cookies[SESSION_COOKIE]

    (user,) = await rows_of(api.store, users)
    assert text not in str(await rows_of(api.store, sessions))
    assert PASSWORD not in str(user)
    assert user.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADA, "wrong horse battery"),
        (ADA, PASSWORD.upper()),
        (ADA, ""),
        (ADA, "x" * 10_000),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("ada\x00@example.com", PASSWORD),
    ],
)
async def test_who_is_wrong_about_either_is_not_told_about_which(
    api: Api, ada: httpx.AsyncClient, email: str, password: str
):
    answer = await sign_in(api, email, password)

    assert told(answer, 401) == "The e-mail address or the password is not right."
    assert "set-cookie" not in answer.headers


async def test_an_e_mail_address_is_the_same_in_any_case(api: Api, ada: httpx.AsyncClient):
    assert (await sign_in(api, " ADA@Example.COM ")).status_code == 201


@pytest.mark.parametrize("body", [{}, {"email": ADA}, {"email": ADA, "password": 1}, [], "x"])
async def test_a_body_that_is_no_sign_in_is_400(api: Api, body: object):
    told(await api.client().post(SESSION, json=body), 400)


async def guess(api: Api, *, times: int = LIMITS[Rationed.SIGN_IN_AS].most) -> None:
    for _ in range(times):
        told(await sign_in(api, password="wrong horse battery"), 401)


async def test_who_fails_too_often_is_told_when_to_come_back(api: Api, ada: httpx.AsyncClient):
    await guess(api)

    answer = await sign_in(api, password="wrong horse battery")

    assert "try again in" in told(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1


async def test_nobody_is_locked_out_by_the_guesses_of_others(api: Api, ada: httpx.AsyncClient):
    await guess(api)

    assert (await sign_in(api)).status_code == 201
    assert data_of(await ada.get(LIST)) == []


async def test_a_browser_that_has_signed_in_before_has_a_count_of_its_own(
    api: Api, ada: httpx.AsyncClient
):
    known = await browser(api)
    await guess(api)

    wrong = {"email": ADA, "password": "wrong horse battery"}
    for _ in range(LIMITS[Rationed.SIGN_IN_BY].most):
        told(await known.post(SESSION, json=wrong), 401)

    # Not known any more: its guesses count like everybody's.
    told(await known.post(SESSION, json=wrong), 429)
    assert (await known.post(SESSION, json={**wrong, "password": PASSWORD})).status_code == 201


@pytest.mark.parametrize("email", ["eve@example.com", ADA])
async def test_a_device_is_known_for_the_e_mail_address_that_signed_in_with_it_only(
    api: Api, ada: httpx.AsyncClient, email: str
):
    await api.client_of(Role.VIEWER, email="eve@example.com")
    eve = api.client()
    assert (
        await eve.post(SESSION, json={"email": "eve@example.com", "password": PASSWORD})
    ).status_code == 201
    wrong = {"email": email, "password": "wrong horse battery"}
    for _ in range(LIMITS[Rationed.SIGN_IN_AS].most):
        await sign_in(api, email, "wrong horse battery")

    told(await eve.post(SESSION, json=wrong), 401 if email == "eve@example.com" else 429)


@pytest.mark.parametrize("text", ["", "x", "gAAAAA", "x" * 5_000, "é"])
async def test_a_device_that_this_service_did_not_name_is_a_stranger(
    api: Api, ada: httpx.AsyncClient, text: str
):
    await guess(api)
    headers = {"Cookie": f"{DEVICE_COOKIE}={text}".encode()}

    body = {"email": ADA, "password": "wrong horse battery"}
    told(await api.client().post(SESSION, json=body, headers=headers), 429)


async def test_a_hash_made_with_older_parameters_is_renewed_at_the_next_sign_in(
    api: Api, ada: httpx.AsyncClient
):
    older = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with api.store.write() as tx:
        await tx.execute(users.update().values(password_hash=older))

    assert (await sign_in(api)).status_code == 201

    (user,) = await rows_of(api.store, users)
    assert not FAST.check_needs_rehash(user.password_hash)
    assert (await sign_in(api)).status_code == 201


async def test_signing_out_ends_the_session_everywhere(api: Api, ada: httpx.AsyncClient):
    client = await browser(api)
    copy = client.cookies[SESSION_COOKIE]

    answer = await client.delete(SESSION)

    data_of(answer)
    assert f'{SESSION_COOKIE}=""; HttpOnly; Max-Age=0' in answer.headers["set-cookie"]
    told(await api.client().get(LIST, headers={"Cookie": f"{SESSION_COOKIE}={copy}"}), 401)


async def test_a_session_ends_when_it_is_not_used_for_14_days(api: Api, ada: httpx.AsyncClient):
    api.clock.advance(timedelta(days=14, microseconds=-1))
    assert data_of(await ada.get(LIST)) == []

    api.clock.advance(timedelta(days=14, microseconds=-1))
    assert data_of(await ada.get(LIST)) == []

    api.clock.advance(timedelta(days=14))
    told(await ada.get(LIST), 401)


async def test_a_session_ends_after_90_days_however_much_it_is_used(
    api: Api, ada: httpx.AsyncClient
):
    for _ in range(9):
        api.clock.advance(timedelta(days=10) - timedelta(microseconds=1))
        assert data_of(await ada.get(LIST)) == []

    api.clock.advance(timedelta(microseconds=9))
    told(await ada.get(LIST), 401)


async def test_sessions_are_listed_with_where_they_come_from_and_this_one_marked(
    api: Api, ada: httpx.AsyncClient
):
    api.clock.advance(timedelta(hours=1))
    second = await browser(api)

    listed = (await second.get(SESSIONS)).json()

    newest, oldest = listed["data"]
    assert listed["extra"]["pagination"] == {"count": 2, "total_count": 2}
    assert newest == {
        "id": newest["id"],
        "address": "127.0.0.1",
        "user_agent": f"python-httpx/{httpx.__version__}",
        "created_at": "2026-03-01T13:00:00Z",
        "last_seen_at": "2026-03-01T13:00:00Z",
        "expires_at": "2026-03-15T13:00:00Z",
        "is_current": True,
    }
    assert (oldest["address"], oldest["user_agent"], oldest["is_current"]) == (
        "192.0.2.7",
        "a browser",
        False,
    )


async def test_when_a_session_was_seen_last_is_written_at_most_once_a_minute(
    api: Api, ada: httpx.AsyncClient
):
    async def last_seen() -> str:
        await ada.get(LIST)
        return data_of(await ada.get(SESSIONS))[0]["last_seen_at"]

    api.clock.advance(timedelta(seconds=59))
    assert await last_seen() == "2026-03-01T12:00:00Z"
    api.clock.advance(timedelta(seconds=1))
    assert await last_seen() == "2026-03-01T12:01:00Z"


async def test_one_of_ones_own_sessions_can_be_ended(api: Api, ada: httpx.AsyncClient):
    second = await browser(api)
    (_, first) = data_of(await second.get(SESSIONS))

    assert data_of(await second.delete(f"{SESSIONS}/{first['id']}")) == {"id": first["id"]}

    told(await ada.get(LIST), 401)
    assert data_of(await second.get(LIST)) == []
    told(await second.delete(f"{SESSIONS}/{first['id']}"), 404)


async def test_all_other_sessions_can_be_ended_at_once(api: Api, ada: httpx.AsyncClient):
    second, third = await browser(api), await browser(api)

    assert data_of(await third.delete(SESSIONS)) == {"ended": 2}

    told(await ada.get(LIST), 401)
    told(await second.get(LIST), 401)
    assert data_of(await third.get(LIST)) == []


async def test_somebody_elses_session_is_not_there(api: Api, ada: httpx.AsyncClient):
    eve = await api.client_of(Role.OWNER, email="eve@example.com")
    (hers,) = data_of(await ada.get(SESSIONS))

    told(await eve.delete(f"{SESSIONS}/{hers['id']}"), 404)

    assert data_of(await eve.delete(SESSIONS)) == {"ended": 0}
    assert data_of(await ada.get(LIST)) == []


async def test_a_new_password_ends_the_other_sessions_and_the_old_password(
    api: Api, ada: httpx.AsyncClient
):
    second = await browser(api)

    body = {"password": ANOTHER, "current_password": PASSWORD}
    data_of(await second.put(USER, json=body))

    told(await ada.get(LIST), 401)
    assert data_of(await second.get(LIST)) == []
    told(await sign_in(api), 401)
    assert (await sign_in(api, password=ANOTHER)).status_code == 201


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"password": ANOTHER}, "current_password: give your present password too"),
        (
            {"password": ANOTHER, "current_password": "wrong horse"},
            "current_password: That is not your present password.",
        ),
        (
            {"password": "too short", "current_password": PASSWORD},
            "password: 12 characters at least",
        ),
        (
            {"password": "x" * 1_025, "current_password": PASSWORD},
            "password: 1024 characters at most",
        ),
        (
            {"password": PASSWORD, "current_password": PASSWORD},
            "password: give another one than the present one",
        ),
        ({"name": " "}, "name: give a name"),
        ({"name": "x" * 256}, "name: 255 characters at most"),
        ({"name": "a\x00b"}, "name: some of its characters cannot be shown"),
        ({"email": "other@example.com"}, "email"),
    ],
)
async def test_what_will_not_do_of_a_user_is_named_and_changes_nothing(
    api: Api, ada: httpx.AsyncClient, body: dict, words: str
):
    second = await browser(api)
    before = await rows_of(api.store, users)

    assert words in told(await ada.put(USER, json=body), 400)

    assert await rows_of(api.store, users) == before
    assert data_of(await second.get(LIST)) == []


async def test_the_present_password_cannot_be_guessed_without_end(api: Api, ada: httpx.AsyncClient):
    wrong = {"password": ANOTHER, "current_password": "wrong"}
    for _ in range(LIMITS[Rationed.SIGN_IN_BY].most):
        told(await ada.put(USER, json=wrong), 400)
    # From now on these count like a stranger's, who may fail as often once more.
    for _ in range(LIMITS[Rationed.SIGN_IN_AS].most):
        told(await ada.put(USER, json=wrong), 400)

    told(await ada.put(USER, json=wrong), 429)


async def test_a_user_can_take_another_name(ada: httpx.AsyncClient):
    assert data_of(await ada.put(USER, json={"name": " Ada L. "}))["name"] == "Ada L."
    assert data_of(await ada.get(SESSION))["user"]["name"] == "Ada L."


async def test_a_token_says_who_it_is_and_has_no_sessions(api: Api, admin: httpx.AsyncClient):
    who = data_of(await admin.get(SESSION))

    assert (who["user"], who["token"]["name"]) == (None, "a test's")
    assert [account["id"] for account in who["accounts"]] == [1]
    told(await admin.get(SESSIONS), 403)
    told(await admin.put(USER, json={"name": "x"}), 403)
    told(await admin.delete(SESSION), 403)


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
    {"Origin": "https://evil.example.com"},
    {"Origin": "http://runhook.test.evil.example.com"},
    {"Origin": "null"},
    {"Origin": ""},
]


@pytest.mark.parametrize("headers", [*FOREIGN, {}])
async def test_a_foreign_page_changes_nothing_with_somebodys_session(
    ada: httpx.AsyncClient, headers: dict[str, str]
):
    del ada.headers["Sec-Fetch-Site"]

    told(await ada.post(LIST, json=A_WEBHOOK, headers=headers), 403)
    told(await ada.delete(SESSION, headers=headers), 403)

    assert data_of(await ada.get(LIST, headers=headers)) == []


async def test_a_foreign_page_cannot_send_a_test_though_that_is_a_get(ada: httpx.AsyncClient):
    webhook = await new_webhook(ada)
    path = f"/webhooks/subscription/{webhook['id']}"

    told(await ada.get(f"{path}/test", headers={"Sec-Fetch-Site": "cross-site"}), 403)

    assert data_of(await ada.get(f"{path}/events")) == []


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_signs_nobody_in(
    api: Api, ada: httpx.AsyncClient, headers: dict[str, str]
):
    body = {"email": ADA, "password": PASSWORD}

    told(await api.client().post(SESSION, json=body, headers=headers), 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": ORIGIN},
        {"Origin": "https://runhook.test"},
    ],
)
async def test_our_own_pages_change_things(ada: httpx.AsyncClient, headers: dict[str, str]):
    del ada.headers["Sec-Fetch-Site"]

    data_of(await ada.put(USER, json={"name": "Ada L."}, headers=headers))


async def test_the_public_url_is_ours_whatever_the_proxy_makes_of_the_host(
    api: Api, ada: httpx.AsyncClient
):
    text = ada.cookies[SESSION_COOKIE]
    public = Api(store=api.store, clock=api.clock, public_url="https://runhook.example.com")
    client = public.client()
    client.cookies.set(f"__Host-{SESSION_COOKIE}", text)

    ours = {"Origin": "https://runhook.example.com"}
    data_of(await client.put(USER, json={"name": "Ada L."}, headers=ours))


async def test_a_token_beside_a_session_is_the_one_that_counts(api: Api, ada: httpx.AsyncClient):
    told(await ada.get(LIST, headers={"Authorization": "Token rh_unknown"}), 401)


async def test_a_session_of_no_member_finds_no_account(api: Api, ada: httpx.AsyncClient):
    theirs = await api.add_other_account()
    data_of(await theirs.get(LIST))

    for account in (2, 404, 0, 10**30):
        told(await ada.get(f"{ORIGIN}/api/v3/accounts/{account}{LIST}"), 404)
