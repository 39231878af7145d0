"""Invitations: made, listed, withdrawn, accepted once, and expired."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.invite import invite_first_user
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.storage.engine.tables import invitations, members, users
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, Api, data_of, told
from tests.support.people import PASSWORD, SAME_ORIGIN

ACCEPT = f"{ORIGIN}/api/v3/invitations/accept"
SESSION = f"{ORIGIN}/api/v3/session"
LIST = "/webhooks/subscriptions"
GRACE = {"email": "grace@example.com", "name": "Grace", "password": "nanoseconds are this long"}


@pytest.fixture
async def owner(api: Api) -> httpx.AsyncClient:
    return await api.client_of(Role.OWNER)


async def invited(client: httpx.AsyncClient, role: str = "member", **fields: object) -> str:
    """The secret of a new invitation."""
    made = data_of(await client.post("/invitations", json={"role": role, **fields}), 201)
    return made["link"].rpartition("/")[2]


async def accept(api: Api, secret: str, **fields: object) -> httpx.Response:
    return await api.client().post(ACCEPT, json={"secret": secret, **GRACE, **fields})


async def test_a_link_makes_a_new_user_a_member_and_signs_them_in(api: Api, owner):
    secret = await invited(owner)
    client = api.client()

    who = data_of(await client.post(ACCEPT, json={"secret": secret, **GRACE}), 201)

    assert (who["user"]["email"], who["user"]["name"]) == ("grace@example.com", "Grace")
    assert [(one["id"], one["role"]) for one in who["accounts"]] == [(1, "member")]
    assert data_of(await client.get(LIST)) == []
    body = {"email": GRACE["email"], "password": GRACE["password"]}
    assert (await api.client().post(SESSION, json=body)).status_code == 201


async def test_the_link_is_shown_this_once_and_only_its_digest_is_kept(api: Api, owner):
    made = data_of(await owner.post("/invitations", json={"role": "viewer"}), 201)

    link = made.pop("link")
    secret = link.removeprefix(f"{ORIGIN}/invitations/")
    assert len(secret) >= 43
    assert (made.pop("mailed_to"), made.pop("mail_error")) == (None, None)
    assert secret not in str(await rows_of(api.store, invitations))
    assert data_of(await owner.get("/invitations"))[0] == made
    assert made == {
        "id": made["id"],
        "email": None,
        "role": "viewer",
        "created_by": "owner-1@example.com",
        "created_at": "2026-03-01T12:00:00Z",
        "expires_at": "2026-03-08T12:00:00Z",
    }


async def test_links_lead_to_the_public_url_if_there_is_one(api: Api, admin: httpx.AsyncClient):
    public = Api(store=api.store, clock=api.clock, public_url="https://runhook.example.com")
    client = public.client(admin.headers["Authorization"])

    made = data_of(await client.post("/invitations", json={"role": "viewer"}), 201)

    assert made["link"].startswith("https://runhook.example.com/invitations/")


async def test_a_link_works_once(api: Api, owner):
    secret = await invited(owner)
    assert (await accept(api, secret)).status_code == 201

    answer = await accept(api, secret, email="eve@example.com")

    assert "was accepted or withdrawn, or has expired" in told(answer, 404)
    assert len(await rows_of(api.store, users)) == 2
    assert data_of(await owner.get("/invitations")) == []


async def test_a_link_works_for_seven_days(api: Api, owner):
    first, second = await invited(owner), await invited(owner)

    api.clock.advance(timedelta(days=7, microseconds=-1))
    assert (await accept(api, first)).status_code == 201
    api.clock.advance(timedelta(microseconds=1))

    told(await accept(api, second, email="eve@example.com"), 404)


async def test_a_link_that_was_withdrawn_does_not_work(api: Api, owner):
    made = data_of(await owner.post("/invitations", json={"role": "viewer"}), 201)
    path = f"/invitations/{made['id']}"

    assert data_of(await owner.delete(path)) == {"id": made["id"]}

    told(await accept(api, made["link"].rpartition("/")[2]), 404)
    told(await owner.delete(path), 404)


async def test_somebody_signed_in_joins_with_nothing_but_the_secret(api: Api, owner):
    await api.add_other_account()
    theirs = await api.client_of(Role.OWNER, account_id=2)
    secret = await invited(owner, "viewer")

    who = data_of(await theirs.post(ACCEPT, json={"secret": secret}), 201)

    assert [(one["id"], one["role"]) for one in who["accounts"]] == [(1, "viewer"), (2, "owner")]
    assert data_of(await theirs.get(f"{ORIGIN}/api/v3/accounts/1{LIST}")) == []


async def test_a_user_joins_with_their_password_and_keeps_their_name(api: Api, owner):
    assert (await accept(api, await invited(owner))).status_code == 201
    await api.add_other_account()
    theirs = await api.client_of(Role.OWNER, account_id=2)

    answer = await accept(api, await invited(theirs), name="Somebody else")

    who = data_of(answer, 201)
    assert who["user"]["name"] == "Grace"
    assert [one["id"] for one in who["accounts"]] == [1, 2]


async def test_nobody_joins_as_a_user_whose_password_they_do_not_know(api: Api, owner):
    secret = await invited(owner)

    answer = await accept(api, secret, email="owner-1@example.com")

    assert "already" in told(answer, 401)
    assert len(await rows_of(api.store, members)) == 1
    assert (await accept(api, secret)).status_code == 201


async def test_passwords_cannot_be_guessed_by_invitation_either(api: Api, owner):
    secret = await invited(owner)
    for _ in range(LIMITS[Rationed.SIGN_IN_AS].most):
        told(await accept(api, secret, email="owner-1@example.com"), 401)

    told(await accept(api, secret, email="owner-1@example.com"), 429)


async def test_a_member_cannot_join_again_and_the_link_is_left_for_another(api: Api, owner):
    secret = await invited(owner)

    told(await owner.post(ACCEPT, json={"secret": secret}), 409)
    told(await accept(api, secret, email="owner-1@example.com", password=PASSWORD), 409)

    assert (await accept(api, secret)).status_code == 201


async def test_an_invitation_for_somebody_is_for_nobody_else(api: Api, owner):
    secret = await invited(owner, email="Grace@Example.com")
    eve = await api.client_of(Role.VIEWER, email="eve@example.com")

    told(await eve.post(ACCEPT, json={"secret": secret}), 403)
    assert "grace@example.com" in told(await accept(api, secret, email="eve@example.com"), 400)

    who = data_of(await accept(api, secret, email=""), 201)
    assert who["user"]["email"] == "grace@example.com"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": ""}, "email: give an e-mail address"),
        ({"email": "grace"}, "email: give an e-mail address"),
        ({"email": "grace@"}, "email: give an e-mail address"),
        ({"email": "a@b@example.com"}, "email: give an e-mail address"),
        ({"email": "gr ace@example.com"}, "email: give an e-mail address"),
        ({"email": "x" * 250 + "@example.com"}, "email: 254 characters at most"),
        ({"name": ""}, "name: give a name"),
        ({"name": "\x00"}, "name: some of its characters cannot be shown"),
        ({"password": "x" * 11}, "password: 12 characters at least"),
        ({"password": "x" * 1_025}, "password: 1024 characters at most"),
        ({"pasword": "x"}, "pasword"),
    ],
)
async def test_what_will_not_do_is_named_and_makes_no_user(
    api: Api, owner, fields: dict, words: str
):
    secret = await invited(owner)

    assert words in told(await accept(api, secret, **fields), 400)

    assert len(await rows_of(api.store, users)) == 1
    assert (await accept(api, secret)).status_code == 201


@pytest.mark.parametrize("secret", ["", "x", "é", "\x00", "x" * 10_000])
async def test_a_secret_of_no_invitation_is_404(api: Api, secret: str):
    told(await accept(api, secret), 404)


async def test_a_foreign_page_makes_nobody_join(api: Api, owner):
    await api.add_other_account()
    theirs = await api.client_of(Role.OWNER, account_id=2)
    secret = await invited(owner)

    foreign = {"Sec-Fetch-Site": "cross-site"}
    told(await theirs.post(ACCEPT, json={"secret": secret}, headers=foreign), 403)

    assert len(data_of(await theirs.get(SESSION))["accounts"]) == 1


async def test_a_session_that_has_ended_is_as_good_as_none(api: Api, owner):
    secret = await invited(owner)
    client = api.client()
    client.cookies.set(SESSION_COOKIE, "ended")
    client.headers.update(SAME_ORIGIN)

    data_of(await client.post(ACCEPT, json={"secret": secret, **GRACE}), 201)


async def test_invitations_are_listed_in_pages_the_newest_first(owner):
    for role in ("viewer", "member", "admin"):
        await invited(owner, role)

    answer = (await owner.get("/invitations?limit=2&offset=1")).json()

    assert [one["role"] for one in answer["data"]] == ["member", "viewer"]
    assert answer["extra"]["pagination"] == {"count": 2, "total_count": 3}


async def test_only_an_owner_withdraws_an_owners_invitation(api: Api, owner):
    administrator = await api.client_of(Role.ADMIN)
    made = data_of(await owner.post("/invitations", json={"role": "owner"}), 201)

    told(await administrator.delete(f"/invitations/{made['id']}"), 403)
    data_of(await owner.delete(f"/invitations/{made['id']}"))


async def test_another_accounts_invitation_is_not_there(api: Api, owner):
    await api.add_other_account()
    theirs = await api.client_of(Role.OWNER, account_id=2)
    made = data_of(await owner.post("/invitations", json={"role": "viewer"}), 201)

    told(await theirs.delete(f"/invitations/{made['id']}"), 404)

    assert data_of(await theirs.get("/invitations")) == []
    assert [one["id"] for one in data_of(await owner.get("/invitations"))] == [made["id"]]


async def test_what_becomes_of_invitations_is_in_the_audit_log_without_a_secret(api: Api, owner):
    made = data_of(await owner.post("/invitations", json={"role": "viewer"}), 201)
    await owner.delete(f"/invitations/{made['id']}")

    answer = await owner.get("/audit-log?limit=2")

    withdrawn, invitation = data_of(answer)
    assert [withdrawn["action"], invitation["action"]] == [
        "invitation.withdrawn",
        "member.invited",
    ]
    assert invitation["after"] == {
        "email": None,
        "role": "viewer",
        "expires_at": "2026-03-08T12:00:00+00:00",
    }
    assert made["link"].rpartition("/")[2] not in answer.text


async def test_the_first_users_link_is_replaced_at_each_start_until_there_is_a_user(api: Api):
    first = await invite_first_user(api.store, FIRST_ACCOUNT, clock=api.clock)
    second = await invite_first_user(api.store, FIRST_ACCOUNT, clock=api.clock)

    told(await accept(api, first), 404)
    who = data_of(await accept(api, second), 201)

    assert [(one["id"], one["role"]) for one in who["accounts"]] == [(1, "owner")]
    assert await invite_first_user(api.store, FIRST_ACCOUNT, clock=api.clock) is None
