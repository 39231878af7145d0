"""Bodies that cannot be read are the caller's mistake, told in words, and leave nothing behind."""

import gzip
import json
from collections.abc import Iterator
from math import ceil

import httpx
import pytest
import sqlalchemy as sa
from msgspec import Struct

from runhook.domain.errors import InvalidError
from runhook.domain.people.permissions import Role
from runhook.server.http.bodies import read_json
from runhook.storage.engine.tables import deliveries, events, runs, webhooks
from tests.api.routes import ROUTES, Route
from tests.support.api import A_WEBHOOK, Api, data_of, new_run, told
from tests.support.turns import AT_A_PLACE, Turns
from tests.support.world import a_world

UNREADABLE = {
    "empty": (b"", "The body is empty"),
    "blank": (b" \n\t", "The body is empty"),
    "cut off": (b'{"name": "x"', "cannot be read as JSON"),
    "not JSON": (b"{name: x}", "cannot be read as JSON"),
    "a comma too many": (b'{"name": "x",}', "cannot be read as JSON"),
    "two values": (b"{}{}", "cannot be read as JSON"),
    "not a number": (b'{"name": NaN}', "cannot be read as JSON"),
    "a huge float": (b'{"name": 1e999}', "cannot be read as JSON"),
    "a huge integer": (b'{"name": 1' + b"0" * 5_000 + b"}", "cannot be read as JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte order mark (BOM)"),
    "not UTF-8": (b'{"name": "\xff"}', "not UTF-8"),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), "is UTF-16, not UTF-8"),
    "UTF-16 without a mark": ('{"name": "x"}'.encode("utf-16-le"), "is UTF-16-LE, not UTF-8"),
    "UTF-32": ('{"name": "x"}'.encode("utf-32"), "is UTF-32, not UTF-8"),
    "Latin-1": ('{"name": "é"}'.encode("latin-1"), "not UTF-8"),
    "a lone surrogate": (b'{"name": "\\ud800, then text"}', "surrogate"),
    "a lone low surrogate": (b'{"name": "\\udc00, then text"}', "surrogate"),
    "a surrogate at the end": (b'{"name": "\\ud800"}', "cannot be read as JSON"),
    "a surrogate as UTF-8": (b'{"name": "\xed\xa0\x80"}', "not UTF-8"),
    "open brackets": (b"[" * 20_000, "nested too deeply"),
    "nested lists": (b"[" * 20_000 + b"]" * 20_000, "nested too deeply"),
    "nested objects": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "nested too deeply"),
    "very many values": (b"[" + b"0," * 60_000 + b"0]", "too many values"),
    "very many objects": (b'{"a": [' + b"{}," * 60_000 + b"{}]}", "too many values"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "a text": (b'"name"', "Expected `object`, got `str`"),
    "a number": (b"5", "Expected `object`, got `int`"),
    "a null": (b"null", "Expected `object`, got `null`"),
    "a form": (b"name=x&client_url=y", "cannot be read as JSON"),
}
READ_AS_JSON = [
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "",
]
SOMETHING_ELSE = [
    "multipart/form-data; boundary=x",
    "application/x-msgpack",
    "application/xml",
    "nonsense",
]


async def rows(api: Api) -> list[int]:
    """How many rows there are of everything a request could have made."""
    async with api.store.read() as tx:
        return [
            (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
            for table in (webhooks, runs, events, deliveries)
        ]


async def test_a_body_that_cannot_be_read_is_refused_in_words_and_leaves_nothing(
    api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    run = await new_run(admin, run_key="k")
    before = await rows(api)
    for kind, (body, words) in UNREADABLE.items():
        with subtests.test(kind=kind):
            for method, path in (
                ("POST", "/webhooks/subscriptions"),
                ("PUT", "/webhooks/subscription/wsu_1"),
                ("POST", "/runs"),
                ("POST", f"/runs/{run['id']}/finish"),
            ):
                answer = await admin.request(
                    method, path, content=body, headers={"Content-Type": "application/json"}
                )
                assert words in told(answer, 400)

            assert await rows(api) == before
    again = await admin.post("/runs", json={"job_name": "nightly", "run_key": "k"})
    assert data_of(again) == run


async def test_results_nested_deeply_are_kept_or_refused_in_words(admin: httpx.AsyncClient):
    for depth in (*range(500, 1_000, 20), 1_000, 2_000):
        run = await new_run(admin)
        nested = "[" * depth + "]" * depth

        answer = await admin.post(
            f"/runs/{run['id']}/finish",
            content=f'{{"status": "success", "results": {{"a": {nested}}}}}',
        )

        if answer.status_code != 200:
            assert told(answer, 400) == "The body is nested too deeply."


async def test_what_is_not_json_is_refused_though_its_content_type_may_be(
    api: Api, admin: httpx.AsyncClient
):
    before = await rows(api)

    for content_type in READ_AS_JSON:
        headers = {"Content-Type": content_type}
        for path in ("/webhooks/subscriptions", "/runs"):
            answer = await admin.post(path, content=b"job_name=nightly", headers=headers)
            assert "cannot be read as JSON" in told(answer, 400)

    assert await rows(api) == before


async def test_json_is_read_if_its_content_type_says_so_or_as_good_as_nothing(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for content_type in READ_AS_JSON:
        with subtests.test(content_type=content_type):
            answer = await admin.post(
                "/runs", content=b'{"job_name": "nightly"}', headers={"Content-Type": content_type}
            )

            assert data_of(answer, 201)["job_name"] == "nightly"


async def test_a_body_that_says_it_is_something_else_is_refused_unread(
    api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for content_type in SOMETHING_ELSE:
        with subtests.test(content_type=content_type):
            for path in ("/webhooks/subscriptions", "/runs"):
                answer = await admin.post(
                    path, content=b'{"job_name": "nightly"}', headers={"Content-Type": content_type}
                )
                message = told(answer, 415)
                assert content_type.partition(";")[0] in message
                assert "application/json" in message

            assert await rows(api) == [0, 0, 0, 0]


KEYS_TWICE = [
    (b'{"job_name": "a", "job_name": "b"}', "job_name"),
    (b'{"job_name": "a", "job_name": "a"}', "job_name"),
    (b'{"job_name": "a", "j\\u006fb_name": "b"}', "job_name"),
    (b'{"job_name": "a", "results": {"a": [{"b": 1, "b": 2}]}}', "b"),
    (b'{"": 1, "": 2}', ""),
]


async def test_a_key_given_twice_is_refused_because_programs_differ_in_which_counts(
    api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for body, key in KEYS_TWICE:
        with subtests.test(body=str(body)):
            for path in ("/runs", "/webhooks/subscriptions"):
                answer = await admin.post(path, content=body)
                assert told(answer, 400) == f"The key `{key}` is given twice."

            assert await rows(api) == [0, 0, 0, 0]


UNKNOWN_KEYS = [
    (
        "/runs",
        {"job_nam": "nightly"},
        "unknown key `job_nam`; did you mean `job_name`?",
    ),
    ("/runs", {"job_name": "nightly", "zzz": 1}, "unknown key `zzz`"),
    (
        "/tokens",
        {"name": "a", "permissions": "read_only"},
        "unknown key `permissions`; did you mean `permission_set`?",
    ),
    ("/runs", {"k" * 1_000: 1}, f"unknown key `{'k' * 80}`"),
    ("/runs", {"a`\nb": 1}, "unknown key `a`\nb`"),
]


async def test_our_own_endpoints_refuse_an_unknown_key_and_name_the_nearest_known_one(
    api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for path, body, sentence in UNKNOWN_KEYS:
        with subtests.test(path=path):
            assert told(await admin.post(path, json=body), 400) == sentence
            assert await rows(api) == [0, 0, 0, 0]


async def test_dbt_clouds_endpoints_pass_over_unknown_keys(admin: httpx.AsyncClient):
    body = {**A_WEBHOOK, "id": "", "hmac_secret": "x", "is_archived": False, "": None}

    webhook = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)
    path = f"/webhooks/subscription/{webhook['id']}"

    assert (
        data_of(await admin.put(path, json={"id": "wsu_other", "unknown": []}))["id"]
        == (webhook["id"])
    )


ENCODINGS = ["gzip", "GZIP", "br", "zstd", "deflate, gzip", "identiti"]


async def test_a_compressed_body_is_refused_in_words(
    api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for encoding in ENCODINGS:
        with subtests.test(encoding=encoding):
            for path in ("/runs", "/webhooks/subscriptions", "/tokens"):
                answer = await admin.post(
                    path,
                    content=gzip.compress(b'{"job_name": "nightly"}'),
                    headers={"Content-Encoding": encoding},
                )
                assert told(answer, 415) == (
                    f"The body is compressed ({encoding}); "
                    "send it as it is, without Content-Encoding."
                )

            assert await rows(api) == [0, 0, 0, 0]


async def test_a_body_that_says_it_is_not_compressed_is_read(admin: httpx.AsyncClient):
    answer = await admin.post(
        "/runs", json={"job_name": "nightly"}, headers={"Content-Encoding": "identity"}
    )

    assert data_of(answer, 201)["job_name"] == "nightly"


async def test_a_form_is_told_that_json_is_wanted(admin: httpx.AsyncClient):
    answer = await admin.post("/runs", data={"job_name": "nightly"})

    assert told(answer, 400).endswith(
        "Its Content-Type is application/x-www-form-urlencoded; this API takes JSON."
    )


async def test_a_body_with_a_get_is_not_even_looked_at(admin: httpx.AsyncClient):
    answer = await admin.request(
        "GET", "/webhooks/subscriptions", content=b"\xff{", headers={"Content-Encoding": "gzip"}
    )

    assert data_of(answer) == []


async def test_a_body_that_ends_before_its_announced_length_leaves_nothing(
    api: Api, admin: httpx.AsyncClient
):
    """The client goes away half-way: what came is whole JSON, but not all that was announced."""
    body = b'{"job_name": "nightly"}'
    parts = iter(
        [
            {"type": "http.request", "body": body, "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent = []

    async def receive():
        return next(parts)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v3/accounts/1/runs",
        "raw_path": b"/api/v3/accounts/1/runs",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"authorization", admin.headers["authorization"].encode()),
            (b"content-length", b"100"),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("runhook.test", 80),
    }
    await api.app(scope, receive, send)

    assert sent[0]["status"] == 400
    assert await rows(api) == [0, 0, 0, 0]


async def test_a_body_over_1_mib_is_too_large(api: Api, admin: httpx.AsyncClient):
    run = await new_run(admin)
    before = await rows(api)
    frame = len(json.dumps({"status": "success", "results": {"a": ""}}))

    def body(size: int) -> bytes:
        report = {"status": "success", "results": {"a": "x" * (size - frame)}}
        return json.dumps(report).encode()

    over = await admin.post(f"/runs/{run['id']}/finish", content=body(1024 * 1024 + 1))
    unannounced = await admin.post(
        f"/runs/{run['id']}/finish", content=in_pieces(body(1024 * 1024 + 1))
    )
    assert await rows(api) == before
    just_right = await admin.post(f"/runs/{run['id']}/finish", content=body(1024 * 1024))

    assert "1 MiB" in told(over, 413)
    assert "1 MiB" in told(unannounced, 413)
    assert data_of(just_right)["status"] == 10


async def in_pieces(body: bytes):
    """Send a body without saying beforehand how long it is."""
    for start in range(0, len(body), 64 * 1024):
        yield body[start : start + 64 * 1024]


SURPRISES = [
    None,
    "",
    [],
    2**63,
    "\0",
    {},
    True,
    "x" * 50_000,
    [None],
    1.5,
    " ",
    {"\0": "\0"},
    0,
    "a\0b",
    [[]],
    -(2**63),
    "\ud7ff\U0001f980\u202e\ufeff\u0000",
    {"a": {"\0": None}},
    -1,
    ["\0"],
    10**30,
    list(range(2_000)),
    1e300,
]
BODIES = [
    (route, body.annotation)
    for route in ROUTES
    if (body := route.handler.parsed_fn_signature.parameters.get("data"))
    and issubclass(body.annotation, Struct)
]


REFUSALS = {400, 401, 403, 404, 409, 413, 429}
"""413 where anybody may send a body, which is a small one there."""


def dealt(known: type[Struct]) -> Iterator[tuple[str, Iterator[object]]]:
    """Deal the surprises out to a body's keys: some to each key, and each of them once at least."""
    surprises = Turns(SURPRISES)
    names = known.__struct_encode_fields__
    for name in names:
        yield name, surprises.next_few(max(AT_A_PLACE, ceil(len(SURPRISES) / len(names))))


def test_there_are_bodies_to_try():
    assert len(BODIES) >= 5


@pytest.mark.parametrize(("route", "known"), BODIES, ids=[str(route) for route, _ in BODIES])
async def test_whatever_value_a_key_has_it_is_taken_whole_or_refused_in_words(
    api: Api, route: Route, known: type[Struct]
):
    world = await a_world(api)
    owner = world.session_client(Role.OWNER)
    enough = route.body or {}
    before = await world.everything()
    for field, values in dealt(known):
        for value in values:
            answer = await owner.request(
                route.method, route.url(1, world.ids), json={**enough, field: value}
            )
            if answer.status_code < 300:
                before = await world.everything()
            else:
                assert answer.status_code in REFUSALS, (field, value, answer.text)
                assert told(answer, answer.status_code)
        assert await world.everything() == before, field


@pytest.mark.parametrize("text", [",", "[{", r"\",", "\\\\"])
def test_what_stands_in_a_text_is_no_value(text: str):
    body = b'{"logs": "' + text.encode() * 60_000 + b'"}'

    assert read_json(body, charset="utf-8") == json.loads(body)


@pytest.mark.parametrize("text", [b'"', b'"\\"', b'",', b'\\"'])
def test_texts_that_do_not_end_take_no_longer(text: bytes):
    with pytest.raises(InvalidError):
        read_json(b"[" + b"," * 60_000 + text * 200_000, charset="utf-8")
