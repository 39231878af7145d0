"""Numbers, names and times from outside, by turns in every place of every route that takes some."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog

import runhook.server.web
from runhook.domain.people.permissions import Role
from runhook.server.web.deliveries.logs import FILTERS
from tests.api.routes import ROUTES, Route
from tests.support.api import ORIGIN, Api
from tests.support.turns import Turns
from tests.support.world import World, a_world

HUGE = ["9" * 30, "0" * 25 + "9" * 30, "9" * 5_000]
NOT_IDS = [*HUGE, "0", "-1", "+1", "01", "1_0", "1 ", "1.0", "1e0", "nan", "\u0663", "\u00b2"]
NOT_TEXTS = ["\0", "1\0", "\U0001f980" * 256, "\u202e<!channel>'\"\\%_"]
NOT_TIMES = [
    "2026-03-01T00:00:00+99:99",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59.999999Z",
    "-99999999-01-01T00:00:00Z",
]
SURPRISES = [*HUGE, str(2**63), "-1", "\u00b2", "nan", *NOT_TEXTS, *NOT_TIMES]
RAW = ["%ff", "%ed%a0%80", "%"]
"""What is no UTF-8, or half of an escape, as it stands in an address."""
UNDERSTOOD = {200, 204, 302, 303, 400, 401, 403, 404, 405, 409, 413, 415, 429}
WEB = "\n".join(path.read_text() for path in Path(runhook.server.web.__path__[0]).rglob("*.py"))
READ_OF_ADDRESSES = {
    *FILTERS,
    *re.findall(r'values?_in\(\w+(?:\.\w+)*, "(\w+)"\)', WEB),
    *re.findall(r"(\w+): FromQuery", WEB),
}
READ_OF_FORMS = {
    name
    for call in re.findall(r"Form\.sent_with\((.*?)\)\n", WEB, re.DOTALL)
    for name in re.findall(r'"(\w+)"', call)
} | {*FILTERS, "delivery"}


@pytest.fixture
async def world(api: Api) -> World:
    return await a_world(api)


@pytest.fixture
def logged() -> Iterator[list]:
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def escaped(texts: list[str]) -> list[str]:
    """As texts stand in an address, and what can stand in no other place."""
    return [*(quote(text, safe="") for text in texts), *RAW]


def errors_in(logged: list) -> list:
    """Lines of what went wrong; what was done is logged too."""
    return [line for line in logged if line["log_level"] in ("error", "critical")]


def address(route: Route, world: World, **places: str) -> str:
    """A route's address with what is there in its places, but for some."""
    return route.url(places.pop("account_id", 1), {**world.ids, **places})


def is_first_of_its_handler(route: Route) -> bool:
    """Whether no other route has the same handler and the same places, as v2 has many of v3's."""
    same = [one for one in ROUTES if one.handler.fn is route.handler.fn]
    return same[-1] == route


TRIED = [route for route in ROUTES if is_first_of_its_handler(route) and route.is_offered]


async def test_what_is_no_id_is_not_there_in_any_place_of_any_path(world: World, logged: list):
    owner = world.session_client(Role.OWNER)
    not_ids = Turns(NOT_IDS)
    for route in ROUTES:
        for place in re.findall(r"\{(\w+):int\}", route.path):
            for text in not_ids.next_few():
                url = address(route, world, **{place: quote(text, safe="")})
                answer = await owner.request(route.method, url, json=route.body)
                assert answer.status_code == 404, (route, place, text)
    assert errors_in(logged) == []


async def test_no_text_in_a_path_is_an_error_of_ours(world: World, logged: list):
    owner = world.session_client(Role.OWNER)
    texts = Turns([*map(quote, SURPRISES), *RAW])
    for route in TRIED:
        for place in re.findall(r"\{(\w+):str\}", route.path):
            for text in texts.next_few():
                url = address(route, world, **{place: text.replace("/", "%2F")})
                answer = await owner.request(route.method, url, json=route.body)
                assert answer.status_code in UNDERSTOOD, (route, place, text)
    assert errors_in(logged) == []


async def test_no_value_in_a_query_of_the_api_is_an_error_of_ours(world: World, logged: list):
    owner = world.session_client(Role.OWNER)
    paths = json.loads(world.api.app.state.description.text)["paths"]
    numbers = Turns(escaped([*HUGE, "\u00b2", "\0"]))
    texts = Turns(escaped(SURPRISES))
    for route in TRIED:
        described = paths.get(route.handler_path, {}).get(route.method.lower(), {})
        for parameter in described.get("parameters", []):
            if parameter["in"] != "query":
                continue
            is_number = parameter["schema"].get("type") == "integer"
            for text in (numbers if is_number else texts).next_few():
                url = f"{address(route, world)}?{parameter['name']}={text}"
                answer = await owner.get(url)
                assert answer.status_code in UNDERSTOOD, (route, parameter["name"], text)
    assert errors_in(logged) == []


async def test_no_value_in_the_address_of_a_page_is_an_error_of_ours(world: World, logged: list):
    owner = world.session_client(Role.OWNER)
    assert {"run", "number", "beyond", "seen"} <= READ_OF_ADDRESSES
    others = READ_OF_ADDRESSES - {"number", "backlog", "id"}
    texts = escaped(SURPRISES)
    # An address is as long as the client makes it, which is less than all these together.
    together = Turns(["&".join(f"{name}={text[:2_000]}" for name in others) for text in texts])
    alone = Turns([f"{name}={text}" for text in texts for name in ("number", "id")])
    for route in TRIED:
        if route.is_api or route.method != "GET":
            continue
        for query in [*together.next_few(), *alone.next_few()]:
            answer = await owner.get(f"{address(route, world)}?{query}")
            assert answer.status_code in UNDERSTOOD, (route, query)
    assert errors_in(logged) == []


async def test_no_value_in_a_form_is_an_error_of_ours(world: World, logged: list):
    owner = world.session_client(Role.OWNER)
    assert {"name", "grace_days", "role"} <= READ_OF_FORMS
    texts = Turns(SURPRISES)
    for route in TRIED:
        if route.is_api or route.method != "POST":
            continue
        alone = [{name: text} for name in route.body for text in texts.next_few()]
        others = READ_OF_FORMS - {*route.body}
        together = [dict.fromkeys(others, text) for text in texts.next_few()]
        for odd in [*alone, *together]:
            form = {**route.body, **odd}
            answer = await owner.post(address(route, world), data=form)
            assert answer.status_code in UNDERSTOOD, (route, form)
    assert errors_in(logged) == []


async def test_a_filter_that_is_no_number_is_named_and_one_that_is_too_large_finds_nothing(
    world: World,
):
    owner = world.session_client(Role.OWNER)
    runs = f"{ORIGIN}/api/v3/accounts/1/runs"

    unreadable = await owner.get(runs, params={"job_definition_id": "\u0663"})
    huge = await owner.get(runs, params={"job_definition_id": "0" * 25 + "9" * 30})

    assert unreadable.status_code == 400
    assert "job_definition_id: " in unreadable.json()["status"]["user_message"]
    assert huge.json()["data"] == []
