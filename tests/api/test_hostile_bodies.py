"""Bodies that cannot be read are the caller's mistake, told in words, and leave nothing behind."""

import json

import httpx
import pytest
import sqlalchemy as sa

from runhook.storage.tables import deliveries, events, runs, webhooks
from tests.support.api import Api, data_of, new_run, told

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
    "a byte order mark": (b"\xef\xbb\xbf{}", "cannot be read as JSON"),
    "not UTF-8": (b'{"name": "\xff"}', "not UTF-8"),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), "The body"),
    "a lone surrogate": (b'{"name": "\\ud800, then text"}', "surrogate"),
    "a lone low surrogate": (b'{"name": "\\udc00, then text"}', "surrogate"),
    "a surrogate at the end": (b'{"name": "\\ud800"}', "cannot be read as JSON"),
    "a surrogate as UTF-8": (b'{"name": "\xed\xa0\x80"}', "not UTF-8"),
    "open brackets": (b"[" * 100_000, "nested too deeply"),
    "nested lists": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "nested objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "a text": (b'"name"', "Expected `object`, got `str`"),
    "a number": (b"5", "Expected `object`, got `int`"),
    "a null": (b"null", "Expected `object`, got `null`"),
    "a form": (b"name=x&client_url=y", "cannot be read as JSON"),
}
CONTENT_TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/x-msgpack",
    "text/plain",
    "application/json; charset=utf-16",
    "nonsense",
    "",
]


async def rows(api: Api) -> list[int]:
    """Return how many rows there are of everything a request could have made."""
    async with api.store.read() as tx:
        return [
            (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
            for table in (webhooks, runs, events, deliveries)
        ]


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_a_body_that_cannot_be_read_is_refused_in_words_and_leaves_nothing(
    api: Api, admin: httpx.AsyncClient, kind: str
):
    body, words = UNREADABLE[kind]
    run = await new_run(admin, run_key="k")
    before = await rows(api)

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


async def test_what_is_not_json_is_refused_whatever_its_content_type_says(
    api: Api, admin: httpx.AsyncClient
):
    before = await rows(api)

    for content_type in CONTENT_TYPES:
        headers = {"Content-Type": content_type}
        for path in ("/webhooks/subscriptions", "/runs"):
            answer = await admin.post(path, content=b"job_name=nightly", headers=headers)
            assert "cannot be read as JSON" in told(answer, 400)

    assert await rows(api) == before


async def test_json_is_read_as_json_whatever_its_content_type_says(admin: httpx.AsyncClient):
    answer = await admin.post(
        "/runs",
        content=b'{"job_name": "nightly"}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert data_of(answer, 201)["job_name"] == "nightly"


async def test_of_a_key_given_twice_the_last_one_counts(admin: httpx.AsyncClient):
    answer = await admin.post("/runs", content=b'{"job_name": "a", "job_name": "b"}')

    assert data_of(answer, 201)["job_name"] == "b"


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
