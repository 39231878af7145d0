"""People sign in as before once the master key has a successor, and its first one is gone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from runhook.domain.people.identities import EVERYBODY
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK
from runhook.domain.people.second_factors import RECOVERY_CODES
from runhook.operations.service.rotate_keys import rotate_keys
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import Vault
from runhook.storage.service.data_folder import key_file, open_vault
from runhook.storage.service.key_file import KeyFile
from tests.signing_in.conftest import House, is_signed_in, refusal_in
from tests.signing_in.second_factors import ADA, PATH, STEP, code_of, enrol, give_password
from tests.support.api import Api, shared_app
from tests.support.clock import ManualClock
from tests.support.databases import open_store
from tests.support.people import PASSWORD, session_of_new_user, sign_in_client
from tests.web.pages import Page, led_to, page_after, page_at, submit

GRACE = "grace@example.com"


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    """The keys of a new service."""
    open_vault(tmp_path / "data")
    return key_file(tmp_path / "data")


@pytest.fixture
async def store(
    file: KeyFile, tmp_path: Path, database_url: str, clock: ManualClock
) -> AsyncIterator[Store]:
    """The store of a service that runs while its keys are rotated."""
    store = open_store(database_url, vault=open_vault(tmp_path / "data"), clock=clock.as_sql())
    yield store
    await store.close()


@pytest.fixture
def house(house: House) -> House:
    """It can be entered in both ways."""
    return opened(house)


def opened(house: House) -> House:
    house.scripted.document = {"end_session_endpoint": f"{house.scripted.issuer}/end"}
    return house.open_to(passwords=EVERYBODY)


@asynccontextmanager
async def reopened(house: House, url: str, keys: Sequence[bytes]) -> AsyncIterator[House]:
    """The same service, started again with these keys alone."""
    clock = house.api.clock
    store = open_store(url, vault=Vault(keys), clock=clock.as_sql())
    api = Api(store=store, clock=clock, app=shared_app())
    yield opened(House(api, house.scripted, house.sender))
    await store.close()


async def without_the_first(store: Store, file: KeyFile) -> Sequence[bytes]:
    """Rotate until the first key is dropped; the newest one alone."""
    (first,) = file.read()
    for _ in range(2):
        await rotate_keys(store, file)
    newest, *_ = file.read()
    assert first not in file.read()
    return [newest.text]


async def test_codes_sessions_and_the_way_out_are_as_before(
    house: House, ada: httpx.AsyncClient, file: KeyFile, database_url: str
):
    recovery, *_ = await enrol(house.api, ada)
    grace = house.browser()
    await house.sign_in(grace, email="grace@example.com", sub="grace")
    keys = await without_the_first(house.api.store, file)

    async with reopened(house, database_url, keys) as later:
        by_app, by_recovery = later.browser(), later.browser()
        page = await give_password(by_app)
        await submit(by_app, page, code=await code_of(later.api))
        await submit(by_recovery, await give_password(by_recovery), code=recovery)
        page = await page_at(ada, PATH)
        home = await page_at(grace, "/accounts")
        left = Page(await submit(grace, home, home.form("/sign-out")))

    assert is_signed_in(by_app)
    assert is_signed_in(by_recovery)
    assert "9 recovery codes left" in page.main.text
    end = httpx.URL(left.main.one("a", class_="button").attributes["href"])
    assert end.params["id_token_hint"].count(".") == 2


async def test_what_was_begun_before_a_rotation_goes_on_after_it(
    house: House, ada: httpx.AsyncClient, file: KeyFile
):
    await enrol(house.api, ada)
    begun = await begin_everything(house, ada)

    await rotate_keys(house.api.store, file)

    assert led_to(await begun.come_back()) == "/accounts/1/runs"
    assert led_to(await begun.give_code()) == "/accounts/1/runs"
    assert len((await begun.read_codes()).main.one("pre").text.split()) == RECOVERY_CODES
    assert led_to(await begun.confirm()) == PATH


async def test_what_was_begun_with_a_key_that_is_gone_is_begun_again(
    house: House, ada: httpx.AsyncClient, file: KeyFile, database_url: str
):
    await enrol(house.api, ada)
    begun = await begin_everything(house, ada)
    keys = await without_the_first(house.api.store, file)

    async with reopened(house, database_url, keys) as later:
        begun.house = later
        assert "begin it again" in refusal_in(await begun.come_back())
        assert led_to(await begun.give_code()) == "/sign-in"
        assert (await begun.read_codes()).main.all("pre") == []
        # The secret that waits for its first code is the database's, and has the new key.
        assert led_to(await begun.confirm()) == PATH


@dataclass
class Begun:
    """What people are in the middle of."""

    house: House
    ada: httpx.AsyncClient
    at_provider: httpx.AsyncClient
    query: dict[str, str]
    at_code: httpx.AsyncClient
    code_page: Page
    codes: str
    """Where ada's browser is led to, to read new recovery codes."""
    enrolling: httpx.AsyncClient
    enrolment: Page

    async def come_back(self) -> httpx.Response:
        return await self.at_provider.get(CALLBACK, params=self.query)

    async def give_code(self) -> httpx.Response:
        return await submit(self.at_code, self.code_page, code=await code_of(self.house.api, ADA))

    async def read_codes(self) -> Page:
        return await page_at(self.ada, self.codes)

    async def confirm(self) -> httpx.Response:
        code = await code_of(self.house.api, GRACE)
        return await submit(self.enrolling, self.enrolment, code=code)


async def begin_everything(house: House, ada: httpx.AsyncClient) -> Begun:
    api = house.api
    at_provider, at_code = house.browser(), house.browser()
    house.scripted.claims = {"groups": ["data-team"], "sub": "eve", "email": "eve@example.com"}
    query = await house.begin(at_provider, "/accounts/1/runs")
    page = await page_at(ada, PATH)
    form = page.form(f"{PATH}/recovery-codes")
    codes = led_to(await submit(ada, page, form, code=await code_of(api, ADA)))
    api.clock.advance(STEP)
    text = await session_of_new_user(api.store, api.clock, Role.MEMBER, email=GRACE)
    grace = sign_in_client(house.browser(), text)
    enrolment = await page_after(grace, await submit(grace, await page_at(grace, PATH)))
    return Begun(
        house,
        ada,
        at_provider,
        query,
        at_code,
        await give_password(at_code),
        codes,
        grace,
        enrolment,
    )


async def test_without_the_key_of_its_secret_an_app_is_replaced_by_a_recovery_code(
    house: House, ada: httpx.AsyncClient, database_url: str
):
    recovery, other, *_ = await enrol(house.api, ada)
    code = await code_of(house.api, ADA)

    async with reopened(house, database_url, [Vault.new_key()]) as later:
        visitor = later.browser()
        page = await give_password(visitor)
        wrong = await submit(visitor, page, code=code)
        await submit(visitor, page, code=recovery)
        page = await page_at(visitor, PATH)
        typed = {"password": PASSWORD, "last_code": other}
        removed = await submit(visitor, page, page.form(f"{PATH}/remove"), **typed)

    assert Page(wrong).error_of("code") == "That code is not right, or was used already."
    assert is_signed_in(visitor)
    assert led_to(removed) == "/profile"


async def test_without_the_key_of_a_secret_that_waits_another_one_is_made(
    house: House, ada: httpx.AsyncClient, database_url: str
):
    await submit(ada, await page_at(ada, PATH))

    async with reopened(house, database_url, [Vault.new_key()]) as later:
        page = await page_after(ada, await submit(ada, await page_at(ada, PATH)))
        answer = await submit(ada, page, code=await code_of(later.api, ADA))

    assert led_to(answer) == PATH
