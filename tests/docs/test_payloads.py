"""The reference of payloads: schemas as files and in the API's description, and the headers.

After an intended change, write the files anew with

    RUNHOOK_WRITE_SNAPSHOTS=1 pytest tests/docs/test_payloads.py
"""

import json
import os

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.signature import SIGNATURE_HEADER
from runhook.outbound.route import OWN_HEADERS
from tests.docs.documents import REPOSITORY, table_rows
from tests.docs.payloads import FOLDER, schema_files
from tests.docs.test_verifying import BODY, headers_of
from tests.domain.test_payload_schemas import CASES, payloads

WRITE = "RUNHOOK_WRITE_SNAPSHOTS"
PAGE = REPOSITORY / "docs" / "payloads.md"
DESCRIPTION = REPOSITORY / "docs" / "openapi.json"


def test_each_schema_is_a_file_and_says_what_the_code_says_now():
    written = dict(schema_files())
    if os.environ.get(WRITE):
        for path, text in written.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    assert {path: path.read_text() for path in FOLDER.rglob("*.json")} == written


def test_the_description_has_each_event_as_a_webhook_and_is_valid():
    document = json.loads(DESCRIPTION.read_text())

    OpenAPIV31SpecValidator(document).validate()
    assert list(document["webhooks"]) == [one.value for one in EventType]


@pytest.mark.parametrize(("type_", "version"), CASES)
@pytest.mark.parametrize("results", [False, True])
def test_a_payload_is_exactly_one_of_those_that_the_description_lists(type_, version, results):
    document = json.loads(DESCRIPTION.read_text())
    [content] = document["webhooks"][type_.value]["post"]["requestBody"]["content"].values()
    names = [one["$ref"].rpartition("/")[2] for one in content["schema"]["oneOf"]]
    registry = Registry().with_resource("urn:description", Resource(document, DRAFT202012))
    first, *_ = payloads(type_, version, results=results)

    fitting = [
        name
        for name in names
        if Draft202012Validator(
            {"$ref": f"urn:description#/components/schemas/{name}"}, registry=registry
        ).is_valid(first)
    ]

    beside = "_results" if results and any("_results" in one for one in names) else ""
    assert fitting == [f"Payload_{type_.value}_{version.value}{beside}"]


def test_the_table_of_headers_has_what_is_sent_and_no_other():
    rows = {
        cells[0].strip("`").lower()
        for cells in table_rows(PAGE.read_text().partition("## Headers")[2].partition("\n## ")[0])
        if cells[0].startswith("`")
    }
    signed = {name.lower() for name in headers_of(BODY)}
    by_program = {name.lower() for name in OWN_HEADERS} | {"host", "content-type", "content-length"}

    assert rows == signed | by_program | {SIGNATURE_HEADER.lower()}


def test_the_description_names_the_headers_that_prove_a_delivery():
    document = json.loads(DESCRIPTION.read_text())
    signed = {name.lower() for name in headers_of(BODY)} - {"authorization"}

    for webhook in document["webhooks"].values():
        required = {one["name"] for one in webhook["post"]["parameters"] if one["required"]}
        assert required == signed
        assert webhook["post"]["security"] == [{"signature": []}]
