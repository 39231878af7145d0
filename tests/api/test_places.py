"""A place for dbt's upload ends with its token, makes one run, and fits into its address."""

import httpx

from runhook.domain.people.permissions import PermissionSet
from runhook.storage.engine.tables import runs
from tests.api.test_uploads import place
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, told
from tests.support.archives import an_upload

OTHER = "11111111-2222-3333-4444-555555555555"


async def a_machine(admin: httpx.AsyncClient, api: Api) -> tuple[httpx.AsyncClient, int]:
    """A client with a token of its own, and the token's id."""
    made = {"name": "a machine's", "permission_set": PermissionSet.JOB_RUNNER}
    token = data_of(await admin.post("/tokens", json=made), 201)
    return api.client(f"Token {token['token']}"), token["id"]


async def test_a_place_ends_with_the_token_that_asked_for_it(api: Api, admin: httpx.AsyncClient):
    machine, token_id = await a_machine(admin, api)
    given = await place(machine)

    data_of(await admin.delete(f"/tokens/{token_id}"))

    told(await api.client().put(given["upload_url"], content=an_upload()), 404)
    assert await rows_of(api.store, runs) == []


async def test_a_token_that_is_revoked_while_its_archive_comes_makes_no_run(
    api: Api, admin: httpx.AsyncClient
):
    machine, token_id = await a_machine(admin, api)
    given = await place(machine)
    content = an_upload()

    async def slowly():
        yield content[:100]
        data_of(await admin.delete(f"/tokens/{token_id}"))
        yield content[100:]

    told(await api.client().put(given["upload_url"], content=slowly()), 401)
    assert await rows_of(api.store, runs) == []


async def test_a_place_makes_one_run(api: Api, admin: httpx.AsyncClient):
    url = (await place(admin))["upload_url"]
    first, again = [data_of(await api.client().put(url, content=an_upload())) for _ in range(2)]
    other = an_upload(metadata={"invocation_id": OTHER})

    message = told(await api.client().put(url, content=other), 409)

    assert first == again
    assert "another run" in message
    assert len(await rows_of(api.store, runs)) == 1


async def test_an_archive_that_tells_of_no_run_leaves_the_place_to_another(
    api: Api, admin: httpx.AsyncClient
):
    url = (await place(admin))["upload_url"]
    told(await api.client().put(url, content=b"no archive"), 400)

    assert data_of(await api.client().put(url, content=an_upload()))["run_id"]


async def test_a_place_fits_into_its_address_whatever_the_names_are(
    api: Api, admin: httpx.AsyncClient
):
    name = "\U0001f9d9\u200d" * 127

    given = await place(admin, name)
    run_id = data_of(await api.client().put(given["upload_url"], content=an_upload()))["run_id"]

    assert len(given["upload_url"]) < 200
    run = data_of(await admin.get(f"/runs/{run_id}?include_related=environment"))
    assert run["environment"]["name"] == name
