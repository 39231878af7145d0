"""People sign in by an OpenID Connect provider, and are in accounts what their groups are."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.identities import PasswordUsers
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK
from runhook.domain.people.users import VOUCHED_LIFETIME
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.invite import invite
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.access.openid.flow import STARTED_COOKIE
from runhook.server.access.openid.provider import Provider
from runhook.storage.engine.tables import audit_entries, identities, members, sessions, users
from tests.signing_in.conftest import House, is_signed_in, refusal_in
from tests.support.accounts import rows_of
from tests.support.api import Api
from tests.support.people import PASSWORD, session_of_new_user
from tests.web.pages import Page, led_to, page_at, submit

ADA = "ada@example.com"


async def roles(house: House) -> list[tuple[int, Role]]:
    return [(row.account_id, row.role) for row in await rows_of(house.api.store, members)]


async def test_a_member_of_a_group_is_signed_in_as_what_the_group_is(house: House):
    visitor = house.browser()

    answer = await house.sign_in(visitor, "/accounts/1/webhooks")

    assert led_to(answer) == "/accounts/1/webhooks"
    assert (await visitor.get("/accounts/1/webhooks")).status_code == 200
    assert await roles(house) == [(1, Role.MEMBER)]
    (user,) = await rows_of(house.api.store, users)
    assert (user.email, user.name, user.password_hash) == (ADA, "Ada", None)
    (entry,) = await rows_of(house.api.store, audit_entries)
    assert (entry.action, entry.actor_name) == (AuditAction.MEMBER_JOINED, "groups of Example ID")


async def test_the_second_sign_in_is_the_same_user_in_a_new_session(house: House):
    visitor = house.browser()
    await house.sign_in(visitor)
    first = visitor.cookies[SESSION_COOKIE]

    await house.sign_in(visitor, email="ada@new.example.com", name="Ada L.")

    assert visitor.cookies[SESSION_COOKIE] != first
    assert len(await rows_of(house.api.store, users)) == 1
    assert len(await rows_of(house.api.store, sessions)) == 2


async def test_a_session_that_somebody_was_given_before_is_not_the_one_they_have_afterwards(
    house: House,
):
    visitor = house.browser()
    fixed = await session_of_new_user(house.api.store, house.api.clock, Role.VIEWER)
    visitor.cookies.set(SESSION_COOKIE, fixed, domain="runhook.test")

    await house.sign_in(visitor)

    assert is_signed_in(visitor)
    assert visitor.cookies[SESSION_COOKIE] != fixed


async def test_the_way_back_ends_what_the_browser_kept_for_it(house: House):
    visitor = house.browser()
    await house.begin(visitor)
    assert STARTED_COOKIE in visitor.cookies

    await house.sign_in(visitor)

    assert STARTED_COOKIE not in visitor.cookies


async def test_roles_follow_the_groups_at_the_next_sign_in(house: House):
    house.open_to("data-team=1:member, admins=1:admin, readers=1:viewer")
    seen = []
    for groups in (["data-team"], ["readers", "admins"], ["readers"]):
        await house.sign_in(house.browser(), groups=groups)
        seen += await roles(house)

    assert seen == [(1, Role.MEMBER), (1, Role.ADMIN), (1, Role.VIEWER)]


async def test_who_is_in_no_group_any_more_has_no_access_and_no_session(house: House):
    before = house.browser()
    await house.sign_in(before)

    answer = await house.sign_in(house.browser(), groups=["others"])

    assert "None of your groups has access to an account here" in refusal_in(answer)
    assert await roles(house) == []
    assert await rows_of(house.api.store, sessions) == []
    assert led_to(await before.get("/accounts")).startswith("/sign-in")


async def test_a_stranger_of_the_provider_leaves_nothing_behind(house: House):
    visitor = house.browser()

    answer = await house.sign_in(visitor, groups=["others"])

    assert "Ask an account owner" in refusal_in(answer)
    assert not is_signed_in(visitor)
    assert await rows_of(house.api.store, users) == []
    assert await rows_of(house.api.store, identities) == []


async def test_an_account_that_no_group_is_mapped_to_keeps_its_members(house: House):
    await house.api.add_other_account()
    house.open_to("data-team=2:viewer")
    await session_of_new_user(house.api.store, house.api.clock, Role.OWNER, email=ADA)

    await house.sign_in(house.browser())

    assert sorted(await roles(house)) == [(1, Role.OWNER), (2, Role.VIEWER)]


async def test_a_verified_address_is_the_user_who_has_it(house: House):
    await session_of_new_user(house.api.store, house.api.clock, Role.VIEWER, email=ADA)

    await house.sign_in(house.browser())

    assert len(await rows_of(house.api.store, users)) == 1
    assert await roles(house) == [(1, Role.MEMBER)]


@pytest.mark.parametrize("verified", [False, None, "yes", "false"])
async def test_an_address_that_is_not_verified_is_nobody(house: House, verified):
    await session_of_new_user(house.api.store, house.api.clock, Role.OWNER, email=ADA)
    visitor = house.browser()

    answer = await house.sign_in(visitor, sub="mallory", email_verified=verified)

    assert "does not say that it has verified this address" in refusal_in(answer)
    assert not is_signed_in(visitor)


async def test_a_second_id_of_the_provider_does_not_get_a_user_by_their_address(house: House):
    await house.sign_in(house.browser())
    visitor = house.browser()

    answer = await house.sign_in(visitor, sub="mallory")

    assert "whom Example ID knows by another id" in refusal_in(answer)
    assert not is_signed_in(visitor)


async def test_somebody_without_a_group_comes_in_by_an_invitation(house: House):
    house.open_to("")
    context = Context(house.api.store, house.api.clock, COMMAND_LINE)
    _, secret = await invite(context, FIRST_ACCOUNT, Role.ADMIN, email=ADA)
    visitor = house.browser()
    page = await page_at(visitor, f"/invitations/{secret}")
    assert page.main.all("form") == []

    answer = await house.sign_in(visitor, f"/invitations/{secret}")
    page = await page_at(visitor, led_to(answer))
    await submit(visitor, page)

    assert await roles(house) == [(1, Role.ADMIN)]
    assert (await visitor.get("/accounts/1/settings/members")).status_code == 200


async def test_what_the_id_token_leaves_out_is_asked_of_the_user_info(house: House):
    house.scripted.told = {"sub": "ada", "email": ADA, "groups": ["data-team"]}

    await house.sign_in(house.browser(), email=None, groups=None)

    assert await roles(house) == [(1, Role.MEMBER)]


async def test_who_has_no_address_reads_which_claim_is_missing(house: House):
    answer = await house.sign_in(house.browser(), email=None)

    assert "the claim email is missing" in refusal_in(answer).replace("`", "")


async def test_a_public_client_sends_no_secret(house: House):
    house.scripted.client_secret = None
    house.open_to()
    visitor = house.browser()

    await house.sign_in(visitor)

    assert is_signed_in(visitor)


async def test_a_client_sends_its_secret_in_the_body_where_the_provider_wants_it_there(
    house: House,
):
    house.scripted.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    visitor = house.browser()

    await house.sign_in(visitor)

    assert is_signed_in(visitor)


async def test_a_vouched_session_ends_after_a_day_however_it_is_used(house: House):
    visitor = house.browser()
    await house.sign_in(visitor)
    for _ in range(24):
        assert (await visitor.get("/accounts")).status_code == 200
        house.api.clock.advance(VOUCHED_LIFETIME / 24)

    house.api.clock.advance(timedelta(minutes=1))
    assert led_to(await visitor.get("/accounts")).startswith("/sign-in")


async def test_passwords_are_for_those_who_are_named(house: House):
    for email in (ADA, "grace@example.com"):
        await session_of_new_user(house.api.store, house.api.clock, Role.OWNER, email=email)
    house.open_to(passwords=PasswordUsers.parse(ADA))
    named, other = house.browser(), house.browser()

    page = await page_at(named, "/sign-in")
    assert led_to(await submit(named, page, email=ADA, password=PASSWORD)) == "/"
    answer = await submit(other, page, email="grace@example.com", password=PASSWORD)

    assert Page(answer).error_of("password") == "The e-mail address or the password is not right."
    assert not is_signed_in(other)


async def test_a_session_by_password_ends_when_passwords_are_no_way_in_any_more(house: House):
    api: Api = house.api
    text = await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    visitor = house.browser()
    visitor.cookies.set(SESSION_COOKIE, text)

    assert led_to(await visitor.get("/accounts")).startswith("/sign-in")


async def test_a_session_ends_when_another_provider_takes_the_place_of_the_one_that_began_it(
    house: House,
):
    visitor = house.browser()
    await house.sign_in(visitor)
    services = house.api.app.state["services"]
    other = replace(services.provider.client, issuer="https://other.example")
    provider = Provider(other, house.sender, house.api.clock)

    house.api.app.state["services"] = replace(services, provider=provider)
    assert led_to(await visitor.get("/accounts")).startswith("/sign-in")

    house.api.app.state["services"] = services
    assert (await visitor.get("/accounts")).status_code == 200


async def test_without_passwords_the_page_offers_the_provider_alone(house: House):
    page = await page_at(house.browser(), "/sign-in?following=/accounts/1/runs")

    link = page.main.one("a", class_="button")
    assert link.text == "Sign in with Example ID"
    assert link.attributes["href"] == "/sign-in/provider?following=/accounts/1/runs"
    assert page.main.all("form") == []


async def test_signing_out_leads_to_the_end_of_the_session_there(house: House):
    house.scripted.document = {"end_session_endpoint": f"{house.scripted.issuer}/end?a=b"}
    visitor = house.browser()
    await house.sign_in(visitor)
    home = await page_at(visitor, "/accounts")

    page = Page(await submit(visitor, home, home.form("/sign-out")))

    assert not is_signed_in(visitor)
    address = httpx.URL(page.main.one("a", class_="button").attributes["href"])
    assert str(address).startswith(f"{house.scripted.issuer}/end?a=b&client_id=runhook")
    assert address.params["post_logout_redirect_uri"] == "http://runhook.test/sign-in"
    assert address.params["id_token_hint"].count(".") == 2


async def test_signing_out_is_local_where_the_provider_offers_no_end(house: House):
    visitor = house.browser()
    await house.sign_in(visitor)
    home = await page_at(visitor, "/accounts")

    answer = await submit(visitor, home, home.form("/sign-out"))

    assert Page(answer).heading == "You are signed out"
    assert Page(answer).main.all("a", class_="button") == []
    assert await rows_of(house.api.store, sessions) == []


@pytest.mark.parametrize(
    "following", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com"]
)
async def test_a_sign_in_leads_to_no_foreign_page(house: House, following: str):
    assert led_to(await house.sign_in(house.browser(), following)) == "/"


async def test_where_there_is_no_provider_there_is_no_way_to_one(api: Api):
    house = House(api, None, None)  # type: ignore[arg-type]  # there is none
    for path in ("/sign-in/provider", CALLBACK):
        assert (await house.browser().get(path)).status_code == 404
