"""Numbers, times and ids in addresses are read, or told as wrong; none is a fault of ours."""

import httpx
import pytest

from runhook.operations.people.begin import FIRST_ACCOUNT
from tests.support.accounts import Tenant
from tests.support.api import Api
from tests.support.turns import Turns

PARAMETERS = (
    *("number", "run", "job", "q", "id", "beyond", "delivery", "attempt", "webhook", "status"),
    *("state", "event", "code", "time", "since", "until", "order", "period", "action", "format"),
    *("seen", "redelivery", "backlog", "sort", "search", "page", "following"),
)
ODD = [
    "0" * 25 + "9" * 30,
    "9" * 1_500,
    "9223372036854775808",
    "-1",
    "+1",
    "1_0",
    "1e9",
    "0x10",
    "٣",
    "½",
    "nan",
    "\0",
    "\ud800",
    "'\"<b>%_\\",
    "\u202e",
    "9999-12-31T23:59:59.999999-14:00",
    "0001-01-01T00:00:00+14:00",
    "2026-03-01T12:00:00.123456789Z",
]
PAGES = (
    *("deliveries", "webhooks", "webhooks/new", "runs", "runs/1", "jobs", "jobs/1", "projects"),
    *("redeliveries", "redeliveries/new", "redeliveries/picked", "settings/audit-log", "live"),
)


async def test_an_odd_value_in_an_address_is_read_or_told(api: Api, ada: httpx.AsyncClient):
    tenant = Tenant(api.store, api.clock, FIRST_ACCOUNT)
    webhook = await tenant.webhook(event_types=["job.run.started"])
    await tenant.start()
    values = Turns(ODD)

    for page in (*PAGES, f"webhooks/{webhook.id}"):
        for odd in values.next_few():
            written = odd.encode(errors="surrogatepass").decode("latin-1")
            query = httpx.QueryParams(dict.fromkeys(PARAMETERS, written))
            for asked in (query, query.set("number", "1").remove("run")):
                answer = await ada.get(f"/accounts/1/{page}", params=asked)
                assert answer.status_code in (200, 303, 400), (page, answer.text)


@pytest.mark.parametrize("path", ["runs/0", "runs/00", "jobs/99999999999999999999", "runs/-1"])
async def test_an_odd_number_in_a_path_is_not_found(ada, path: str):
    assert (await ada.get(f"/accounts/1/{path}")).status_code == 404
