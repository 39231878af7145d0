"""An account's settings as pages, each filled in as people do."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.service.replicas import LONGEST_SILENCE, Replica, ReplicaRole
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.server.web.page.showing import changes_of
from runhook.storage.people.audit_log import AuditEntry
from runhook.storage.service.replicas import note_sign_of_life
from tests.support.accounts import Tenant
from tests.support.api import A_WEBHOOK, Api, data_of
from tests.support.clock import START
from tests.support.people import session_of_new_user, sign_in_client
from tests.web.pages import ORIGIN, Page, browser, fields_of, led_to, page_after, page_at, submit

ROOT = "/accounts/1/settings"
WEBHOOKS = "/webhooks/subscriptions"


async def test_an_account_is_renamed_and_new_webhooks_get_its_payload_version(ada):
    page = await page_at(ada, ROOT)
    sent = {"name": "Acme", "default_payload_version": "2023-02"}
    assert led_to(await submit(ada, page, page.form(ROOT), **sent)) == ROOT

    changed = await page_at(ada, ROOT)
    refused = await submit(ada, changed, changed.form(ROOT), name=" ")
    new = await page_at(ada, "/accounts/1/webhooks/new")

    assert changed.root.one("title").text == "Settings · Acme · Runhook"
    chosen = [
        one.attributes["value"] for one in new.main.all("option") if "selected" in one.attributes
    ]
    assert "2023-02" in chosen
    assert refused.status_code == 400
    assert Page(refused).error_of("name")
    log = await page_at(ada, f"{ROOT}/audit-log")
    assert "Acme" in log.main.one("tbody").text
    none = await page_at(ada, f"{ROOT}/audit-log?action=webhook.deleted")
    assert "No changes of this kind yet" in none.main.text


async def test_the_first_page_asks_which_payload_an_accounts_consumers_read(api: Api, ada):
    welcome = "/accounts/1/welcome"
    page = await page_at(ada, welcome)
    assert "dbt Cloud" in page.form(welcome).text

    sent = {"default_payload_version": "2023-02"}
    assert led_to(await submit(ada, page, page.form(welcome), **sent)) == welcome
    wrong = {"default_payload_version": "2019-01"}
    refused = await submit(ada, page, page.form(welcome), **wrong)

    assert Page(refused).error_of("default_payload_version") == "Choose one of the versions."
    new = data_of(
        await (await api.client_with(PermissionSet.ACCOUNT_ADMIN)).post(
            WEBHOOKS.removeprefix("/"), json=A_WEBHOOK
        ),
        201,
    )
    assert new["payload_version"] == "2023-02"


async def test_a_viewer_is_told_which_payload_new_webhooks_send(api: Api):
    text = await session_of_new_user(api.store, api.clock, Role.VIEWER, email="eve@example.com")
    page = await page_at(sign_in_client(browser(api), text), "/accounts/1/welcome")

    assert "New webhooks send payload version 2022-05." in page.main.text
    assert not page.main.all("select")


async def test_a_token_is_shown_once_works_and_is_revoked(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/tokens")
    sent = {"name": "terraform", "permission_set": "webhooks_only", "expires_in_days": "30"}
    shown = await page_after(ada, await submit(ada, page, page.form(f"{ROOT}/tokens"), **sent))
    text = shown.main.one("pre").text

    assert data_of(await api.client(f"Token {text}").get(WEBHOOKS)) == []
    listed = await page_at(ada, f"{ROOT}/tokens")
    assert text not in listed.response.text
    audited = await page_at(ada, f"{ROOT}/audit-log?action=token.created")
    made, expires = [one.attributes for one in audited.main.one("tbody").all("time")]
    assert (made["datetime"], made["title"]) == (
        "2026-03-01T12:00:00.000Z",
        "2026-03-01 12:00:00.000 UTC",
    )
    assert expires["datetime"] == "2026-03-31T12:00:00.000Z"
    (revoke,) = listed.main.one("tbody").all("form")
    led_to(await submit(ada, listed, revoke))

    assert (await api.client(f"Token {text}").get(WEBHOOKS)).status_code == 401
    again = await page_at(ada, f"{ROOT}/tokens")
    assert again.main.one("tbody").one(class_="badge").text == "revoked"


@pytest.mark.parametrize(
    ("name", "typed"), [("name", " "), ("expires_in_days", "soon"), ("expires_in_days", "0")]
)
async def test_a_token_that_cannot_be_is_refused_beside_the_field(ada, name: str, typed: str):
    page = await page_at(ada, f"{ROOT}/tokens")

    refused = await submit(
        ada, page, page.form(f"{ROOT}/tokens"), **{"name": "terraform", name: typed}
    )

    assert refused.status_code == 400
    assert Page(refused).error_of(name)


async def test_members_are_invited_given_another_role_and_sent_away(api: Api, ada, stranger):
    page = await page_at(ada, f"{ROOT}/members")
    sent = {"email": "grace@example.com", "role": "viewer"}
    answer = await submit(ada, page, page.form(f"{ROOT}/invitations"), **sent)
    shown = await page_after(ada, answer)
    link = httpx.URL(shown.main.one("pre").text)
    assert (await page_at(stranger, link.path)).heading == "Join Default"
    (withdraw,) = (
        one for one in shown.main.all("form") if one.attributes["action"].endswith("/withdraw")
    )
    led_to(await submit(ada, shown, withdraw))
    await page_at(stranger, link.path, 404)

    await session_of_new_user(api.store, api.clock, Role.VIEWER, email="grace@example.com")
    members = await page_at(ada, f"{ROOT}/members")
    ours, theirs = members.main.one("tbody").all("form")
    led_to(await submit(ada, members, theirs, role="admin"))
    stale = Page(await removing(ada, Page(await submit(ada, members, theirs, role="none"))))
    assert "changed after this form was opened" in stale.main.one(role="alert").text
    members = await page_at(ada, f"{ROOT}/members")
    assert roles(members) == ["owner", "admin"]
    ours, theirs = members.main.one("tbody").all("form")
    asked = Page(await submit(ada, members, theirs, role="none"))
    assert "grace@example.com loses access to this account at once." in asked.main.text
    assert roles(await page_at(ada, f"{ROOT}/members")) == ["owner", "admin"]
    led_to(await removing(ada, asked))
    assert roles(await page_at(ada, f"{ROOT}/members")) == ["owner"]

    last = Page(await submit(ada, members, ours, role="viewer"))
    assert "owner" in last.main.one(role="alert").text


async def removing(ada, asked: Page) -> httpx.Response:
    """Confirm that a member is removed."""
    form = asked.main.one("section", role="alert").one("form")
    data = {**fields_of(form), "confirmed": "yes"}
    return await ada.post(form.attributes["action"], data=data, headers={"Origin": ORIGIN})


def roles(page: Page) -> list[str]:
    """The members' roles, as they are chosen in the list."""
    return [
        option.text
        for row in page.main.one("tbody").all("tr")
        for option in row.all("option")
        if "selected" in option.attributes
    ]


async def test_health_shows_what_waits_and_which_processes_live(api: Api, ada):
    tenant = Tenant(api.store, api.clock, FIRST_ACCOUNT)
    await tenant.webhook(event_types=["job.run.started"])
    await tenant.start()
    for name, age in (("gone:1:0", LONGEST_SILENCE * 2), ("here:2:0", timedelta())):
        replica = Replica(
            name=name,
            host=name.partition(":")[0],
            roles=(ReplicaRole.DISPATCHER,),
            version="1.0",
            started_at=api.clock.now(),
        )
        async with api.store.write() as tx:
            await note_sign_of_life(tx, replica, attempts_lately=90)
        api.clock.advance(age)

    page = await page_at(ada, f"{ROOT}/health")

    figures = {
        one.one("dt").text: one.one(class_="figure").text
        for one in page.main.one(class_="figures").all("div")
    }
    assert figures["Queue depth"] == "1"
    assert figures["Paused endpoints"] == "0"
    assert figures["Attempts a second"] == "1.5"
    assert figures["Database"].endswith(" MB")
    assert figures["Oldest due"] == "40.0 s"
    states = {
        row.one("th").text: row.one(class_="badge").text for row in page.main.one("tbody").all("tr")
    }
    assert states == {"gone:1:0": "silent", "here:2:0": "alive"}


def test_an_object_in_the_audit_log_is_shown_in_words():
    node_filter = {"groups": ["finance", "web"], "owners": [], "catch_all": False}
    entry = AuditEntry(
        account_id=FIRST_ACCOUNT,
        actor=COMMAND_LINE,
        action=AuditAction.WEBHOOK_CREATED,
        subject_id="wsu_1",
        before={"mention": {}},
        after={"node_filter": node_filter, "mention": {"ann@example.com": "U1"}, "hold": None},
        at=START,
    )

    assert changes_of(entry) == [
        ("mention", "", "ann@example.com: U1"),
        ("node_filter", "", "groups: finance, web"),
    ]


def test_a_long_list_in_the_audit_log_is_shown_by_its_beginning():
    entry = AuditEntry(
        account_id=FIRST_ACCOUNT,
        actor=COMMAND_LINE,
        action=AuditAction.REDELIVERY_BEGUN,
        subject_id="wrd_1",
        before=None,
        after={"delivery_ids": [f"wev_{number}" for number in range(50)], "total": 50},
        at=START,
    )

    (_, _, ids), (_, _, total) = changes_of(entry)

    assert (ids.endswith("wev_9 and 40 more"), total) == (True, "50")
