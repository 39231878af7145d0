"""docs/openapi.json is what the service says of its API, and what the API does.

After an intended change, write it anew with

    RUNHOOK_WRITE_SNAPSHOTS=1 pytest tests/docs/test_description.py
"""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runhook.domain.people.permissions import PermissionSet, Role
from runhook.operations.people.begin import begin_service
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.connections.listening import Server, listen, url_of_socket
from tests.api.routes import ROUTES, an_app
from tests.docs.documents import REPOSITORY
from tests.support.api import Api
from tests.support.clock import ManualClock
from tests.support.databases import PostgresqlDatabases, SqliteDatabases, open_store
from tests.support.patience import PATIENCE
from tests.support.people import SAME_ORIGIN
from tests.support.turns import AT_A_PLACE
from tests.support.world import SESSION, TOKEN, a_world

WRITE = "RUNHOOK_WRITE_SNAPSHOTS"
DOCUMENT = REPOSITORY / "docs" / "openapi.json"
HURRIED = settings(max_examples=AT_A_PLACE, suppress_health_check=list(HealthCheck))
FILE_SENT = ("PUT", "name")
"""Whatever is sent as a file comes back as it is, so the one that is read must not be replaced."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_document_is_what_the_service_says_now():
    written = an_app().state.description.text

    if os.environ.get(WRITE):
        DOCUMENT.write_bytes(written)
    assert DOCUMENT.read_bytes() == written


def test_every_route_of_the_api_is_described_with_its_credentials_and_in_words():
    paths = json.loads(an_app().state.description.text)["paths"]
    described = {
        f"{method.upper()} {path}": operation
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    routes = {
        f"{route.method} {route.handler_path}": route
        for route in ROUTES
        if route.is_api and route.handler.resolve_include_in_schema()
    }

    assert set(routes) == {name for name in described if "/api/" in name}
    for name, operation in described.items():
        assert operation["summary"]
        if name in routes and routes[name].access != "anyone":
            assert operation["security"]


def test_a_body_that_may_have_no_other_keys_is_described_as_such():
    schemas = json.loads(an_app().state.description.text)["components"]["schemas"]

    closed = {
        name
        for name, one in schemas.items()
        if one.get("additionalProperties") is False and not name.startswith("Payload_")
    }
    # dbt Cloud's clients send keys that are not theirs to set.
    assert closed == {name for name in schemas if name.endswith("In")} - {"SubscriptionIn"}


def test_nothing_of_the_inside_shows():
    text = DOCUMENT.read_text()

    assert "runhook.server" not in text
    assert "127.0.0.1" not in text


@dataclass(frozen=True)
class Served:
    """The API of a world, listening."""

    url: str
    ids: dict[str, object]


@contextmanager
def served(database_url: str) -> Iterator[Served]:
    """Serve the API over a database from another thread."""
    ready: threading.Event = threading.Event()
    told: list[object] = []

    async def serve() -> None:
        clock = ManualClock()
        store = open_store(database_url, clock=clock.as_sql())
        await begin_service(store, bootstrap_token=None, clock=clock)
        api = Api(store=store, clock=clock)
        world = await a_world(api)
        with listen("127.0.0.1", 0) as listening:
            server = Server(api.app, listening)
            told.extend([server, Served(url_of_socket(listening), world.ids)])
            ready.set()
            async with api.sender:
                await server.run_until_stopped()
        await store.close()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    assert ready.wait(PATIENCE)
    server, world = told
    try:
        yield world
    finally:
        server.stop()
        thread.join(PATIENCE)


@pytest.fixture
def worlds(
    sqlite_databases: SqliteDatabases, postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> Iterator[list[Served]]:
    """The API over either database: a request takes longer to make up than to answer."""
    with (
        sqlite_databases.new(tmp_path) as sqlite,
        postgresql_databases.new(tmp_path) as postgresql,
        served(sqlite) as one,
        served(postgresql) as other,
    ):
        yield [one, other]


@pytest.mark.parametrize("mode", GenerationMode)
def test_whatever_is_sent_the_answer_is_one_that_is_described(
    worlds: list[Served], mode: GenerationMode
):
    """Requests that fit the description, and requests that do not, to every operation."""
    answered: dict[str, set[int]] = {}
    schema = schemathesis.openapi.from_url(f"{worlds[0].url}/api/openapi.json")

    def check(case: schemathesis.Case) -> None:
        for world in worlds:
            aim(case, world)
            response = case.call_and_validate(
                base_url=world.url, headers=credentials_for(case), checks=CHECKS
            )
            if case.operation.definition.raw["security"]:
                answered[case.operation.label].add(response.status_code)

    for operation in schema.get_all_operations():
        if "501" in operation.ok().definition.raw["responses"]:
            # It is not offered: a server error is what is meant.
            continue
        answered[operation.ok().label] = set()
        cases = operation.ok().as_strategy(generation_mode=mode)
        with suppress(Unsatisfiable):  # nothing about some operations can be wrong
            HURRIED(given(case=cases)(check))()
    assert len(answered) >= 60
    # A client that is turned away at the door has tried nothing.
    assert [name for name, codes in answered.items() if codes and codes <= {401, 403}] == []


def credentials_for(case: schemathesis.Case) -> dict[str, str]:
    """An administrator's token; an owner's session for what is not for tokens."""
    if case.operation.definition.raw["security"] == [{"session": []}]:
        # A user who ends sessions, their own perhaps, has nothing else to do here.
        enders = {"/api/v3/session": Role.VIEWER, "/api/v3/sessions/{session_id}": Role.MEMBER}
        ends = case.operation.method.upper() == "DELETE"
        role = enders.get(case.operation.path, Role.OWNER) if ends else Role.OWNER
        session = SESSION.format(account_id=1, role=role)
        return {"Cookie": f"{SESSION_COOKIE}={session}", **SAME_ORIGIN}
    token = TOKEN.format(account_id=1, permission_set=PermissionSet.ACCOUNT_ADMIN)
    return {"Authorization": f"Token {token}"}


def aim(case: schemathesis.Case, world: Served) -> None:
    """Put the account's id into a path, and real ids unless the request would delete them.

    A consumer is asked what there is now, as nothing comes that it could wait for.
    """
    if isinstance((case.query or {}).get("wait"), int | float):
        case.query["wait"] = min(case.query["wait"], 0)
    for name in case.path_parameters or {}:
        if name == "account_id":
            case.path_parameters[name] = 1
        elif name in world.ids and case.method != "DELETE" and (case.method, name) != FILE_SENT:
            case.path_parameters[name] = world.ids[name]
