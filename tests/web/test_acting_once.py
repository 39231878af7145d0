"""What is done on a page is done once, is told once, and never undoes what another tab did."""

from datetime import timedelta

import pytest

from runhook.domain.people.permissions import Role
from runhook.storage.engine.tables import expectations, tokens, webhooks
from tests.support.accounts import Tenant, rows_of
from tests.support.api import ORIGIN, Api
from tests.support.people import PASSWORD, session_of_new_user, sign_in_client
from tests.web.pages import Page, browser, led_to, page_after, page_at, submit

ROOT = "/accounts/1"
A_WEBHOOK = {
    "name": "Tell the team",
    "client_url": "https://receiver.example.com/dbt",
    "event_types": ["job.run.started"],
}


async def test_a_form_sent_twice_makes_one_webhook_and_shows_its_secret_both_times(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/webhooks/new")

    first, second = [await submit(ada, page, **A_WEBHOOK) for _ in range(2)]

    assert led_to(first) == led_to(second)
    assert len(await rows_of(api.store, webhooks)) == 1
    shown = await page_after(ada, second)
    assert shown.main.one("pre", id="secret").text.startswith("whsec_")


async def test_a_form_that_is_gone_back_to_and_changed_makes_another_webhook(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/webhooks/new")
    first = led_to(await submit(ada, page, **A_WEBHOOK))

    second = led_to(await submit(ada, page, **{**A_WEBHOOK, "name": "Tell the others"}))

    assert first != second
    assert len(await rows_of(api.store, webhooks)) == 2


async def test_a_secret_is_not_shown_again_by_a_reload_nor_to_another_browser(api: Api, ada):
    text = await session_of_new_user(api.store, api.clock, Role.OWNER, email="eve@example.com")
    other = sign_in_client(browser(api), text)
    page = await page_at(ada, f"{ROOT}/webhooks/new")
    path = led_to(await submit(ada, page, **A_WEBHOOK))

    assert led_to(await other.get(path)) == path.removesuffix("/secret")
    assert "whsec_" in (await ada.get(path)).text
    assert led_to(await ada.get(path)) == path.removesuffix("/secret")


async def test_a_form_sent_twice_makes_one_token_and_one_sent_after_it_was_revoked_another(
    api: Api, ada
):
    path = f"{ROOT}/settings/tokens"
    page = await page_at(ada, path)
    form = page.form(path)

    shown = [await page_after(ada, await submit(ada, page, form, name="ci")) for _ in range(2)]

    (text, same) = (one.main.one("pre").text for one in shown)
    assert text == same
    assert len(await rows_of(api.store, tokens)) == 1
    listed = await page_at(ada, path)
    assert text not in listed.response.text
    (revoke,) = listed.main.one("tbody").all("form")
    assert (await page_after(ada, await submit(ada, listed, revoke))).said == "Token revoked."
    again = await page_after(ada, await submit(ada, page, form, name="ci"))
    assert again.main.one("pre").text != text


async def test_two_tabs_do_not_undo_each_other_silently(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/webhooks/new")
    path = led_to(await submit(ada, page, **A_WEBHOOK)).removesuffix("/secret")
    one, other = [await page_at(ada, f"{path}/edit") for _ in range(2)]
    api.clock.advance(timedelta(seconds=1))
    saved = await page_after(ada, await submit(ada, one, name="From one tab"))
    assert saved.said == "Webhook saved."

    refused = Page(await submit(ada, other, description="From the other"))

    assert "changed after this form was opened" in refused.main.one(role="alert").text
    (row,) = await rows_of(api.store, webhooks)
    assert (row.name, row.description) == ("From one tab", "")
    led_to(await submit(ada, refused))
    (row,) = await rows_of(api.store, webhooks)
    assert row.description == "From the other"


async def test_two_tabs_of_an_accounts_settings_do_not_either(ada):
    path = f"{ROOT}/settings"
    one, other = [await page_at(ada, path) for _ in range(2)]
    led_to(await submit(ada, one, one.form(path), name="Acme"))

    refused = Page(await submit(ada, other, other.form(path), default_payload_version="2023-02"))

    assert "changed after this form was opened" in refused.main.one(role="alert").text
    assert (await page_at(ada, path)).root.one("title").text.startswith("Settings · Acme")


async def test_two_tabs_of_a_jobs_expectation_do_not_either(api: Api, ada):
    run = await Tenant(api.store, api.clock).start()
    path = f"{ROOT}/jobs/{run.job.id}"
    one, other = [await page_at(ada, path) for _ in range(2)]
    led_to(await submit(ada, one, every="6 hours"))

    refused = Page(await submit(ada, other, every="1 day"))

    assert "changed after this form was opened" in refused.main.one(role="alert").text
    assert refused.root.one("input", name="every").attributes["value"] == "1 day"
    (row,) = await rows_of(api.store, expectations)
    assert row.every == timedelta(hours=6)
    led_to(await submit(ada, refused))
    (row,) = await rows_of(api.store, expectations)
    assert row.every == timedelta(days=1)


@pytest.mark.parametrize(
    ("path", "sent", "then"),
    [
        ("/profile", {"name": "Ada L."}, {"name": "A. Lovelace"}),
        (
            f"{ROOT}/welcome",
            {"default_payload_version": "2023-02"},
            {"default_payload_version": "2022-05"},
        ),
    ],
)
async def test_two_tabs_of_other_forms_do_not_either(ada, path: str, sent, then):
    one, other = [await page_at(ada, path) for _ in range(2)]
    led_to(await submit(ada, one, one.form(path), **sent))

    refused = Page(await submit(ada, other, other.form(path), **then))

    assert "changed after this form was opened" in refused.main.one(role="alert").text
    assert led_to(await submit(ada, refused, refused.form(path))) == path


async def test_what_was_done_is_said_once(ada):
    path = f"{ROOT}/settings"
    page = await page_at(ada, path)
    led = led_to(await submit(ada, page, page.form(path), name="Acme"))

    renewed = await ada.get(led, headers={"Sec-Fetch-Dest": "empty"})

    assert "Saved." in renewed.text
    assert (await page_at(ada, led)).said == "Saved."
    assert (await page_at(ada, led)).said == ""


@pytest.mark.parametrize("text", ["x", "", "gAAAAAB", "é" * 300])
async def test_a_made_up_cookie_says_and_shows_nothing(ada, text: str):
    for name in ("runhook_done", "runhook_once", "runhook_theme"):
        ada.cookies.set(name, text.encode("ascii", "replace").decode())

    page = await page_at(ada, f"{ROOT}/settings/tokens")

    assert page.said == ""
    assert page.main.all("pre") == []
    assert "data-theme" not in page.root.one("html").attributes


async def test_people_change_their_own_name_and_password(api: Api, ada):
    page = await page_at(ada, "/profile")
    named = await page_after(ada, await submit(ada, page, page.form("/profile"), name="Ada L."))
    assert named.said == "Name saved."
    form = named.form("/profile/password")
    new = "seven wet umbrellas"

    wrong = Page(await submit(ada, named, form, current_password="no", password=new))
    assert "not your present password" in wrong.error_of("current_password")
    short = Page(await submit(ada, named, form, current_password=PASSWORD, password="short"))
    assert "12 characters" in short.error_of("password")
    sent = await submit(ada, named, form, current_password=PASSWORD, password=new)

    assert (await page_after(ada, sent)).said.startswith("Password changed.")
    assert (await page_at(ada, "/profile")).root.one("input", name="name").attributes[
        "value"
    ] == "Ada L."


async def test_a_theme_that_was_chosen_stays_and_leads_back_to_the_page(ada):
    page = await page_at(ada, f"{ROOT}/webhooks")
    for theme, shown in (("dark", "dark"), ("light", "light"), ("system", None), ("pink", None)):
        answer = await ada.post(
            "/theme",
            data={"theme": theme},
            headers={
                "Origin": ORIGIN,
                "Sec-Fetch-Site": "same-origin",
                "Referer": str(page.response.url),
            },
        )
        assert led_to(answer) == f"{ROOT}/webhooks"
        html = (await page_at(ada, f"{ROOT}/webhooks")).root.one("html")
        assert html.attributes.get("data-theme") == shown
    away = {"Sec-Fetch-Site": "same-origin", "Referer": "https://evil.example/x"}
    assert led_to(await ada.post("/theme", data={"theme": "dark"}, headers=away)) == "/"


@pytest.mark.parametrize("referer", ["http://[::1", "http://[x]/", "//[", "\\", "javascript:x"])
async def test_a_page_before_that_is_no_address_leads_to_the_first_page(api: Api, referer: str):
    stranger = browser(api)
    from_there = {"Sec-Fetch-Site": "same-origin", "Referer": referer}

    chosen = await stranger.post("/theme", data={"theme": "dark"}, headers=from_there)
    lost = await stranger.post(f"{ROOT}/webhooks/new", data={}, headers=from_there)

    assert led_to(chosen) == "/"
    assert led_to(lost).startswith("/sign-in")


async def test_the_audit_log_names_and_links_what_it_speaks_of(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/webhooks/new")
    path = led_to(await submit(ada, page, **A_WEBHOOK)).removesuffix("/secret")
    edit = await page_at(ada, f"{path}/edit")
    led_to(await submit(ada, edit, description="For the team"))
    log = await page_at(ada, f"{ROOT}/settings/audit-log")
    (link, *_) = (one for one in log.main.one("tbody").all("a") if one.text == "Tell the team")
    assert link.attributes["href"] == path
    assert "Webhook changed" in log.main.one("tbody").text

    settings = await page_at(ada, f"{path}/settings")
    led_to(await submit(ada, settings, settings.form(f"{path}/delete"), name="Tell the team"))

    log = await page_at(ada, f"{ROOT}/settings/audit-log")
    assert "Tell the team" in log.main.one("tbody").text
    assert path not in [one.attributes["href"] for one in log.main.one("tbody").all("a")]


async def test_an_error_keeps_the_navigation(ada):
    page = await page_at(ada, f"{ROOT}/deliveries/wev_unknown", 404)

    assert [one.text for one in page.root.one("nav", class_="sections").all("a")]
    assert page.heading == "Not found, or you have no access"


async def test_a_form_whose_session_has_ended_leads_back_to_its_page(ada):
    page = await page_at(ada, f"{ROOT}/webhooks/new?format=slack")
    ada.cookies.clear()
    ada.headers["Referer"] = str(page.response.url)

    led = led_to(await submit(ada, page))

    assert led == "/sign-in?following=/accounts/1/webhooks/new%3Fformat%3Dslack"
