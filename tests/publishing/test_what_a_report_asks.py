"""A report asks the database for what it needs: nothing twice, and nothing that is not there."""

import re

import pytest

from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import runs
from tests.support.accounts import Tenant, rows_of
from tests.support.statements import all_statements

SUBJECT = re.compile(r"(?:INTO|UPDATE|FROM) (?!statement_timestamp|json_each|unnest)(\w+)")


@pytest.fixture
async def known(tenant: Tenant) -> Tenant:
    """A tenant whose job has run, and who has a webhook."""
    await tenant.webhook()
    await tenant.finish(await tenant.start("run-0"))
    return tenant


async def asked_for_start(tenant: Tenant, run_key: str) -> list[str]:
    """Report a start; return which table each statement is about."""
    with all_statements() as statements:
        await tenant.start(run_key)
    found = [SUBJECT.findall(" ".join(sql.split())) for sql in statements]
    return [tables[-1] for tables in found if tables]


async def test_the_start_of_a_known_job_is_one_statement_for_each_table(known: Tenant):
    assert await asked_for_start(known, "run-1") == [
        "jobs",
        "runs",
        "events",
        "interests",
        "deliveries",
    ]


async def test_only_a_start_that_is_repeated_is_looked_up(known: Tenant, store: Store):
    await known.start("run-1")

    assert await asked_for_start(known, "run-1") == ["jobs", "runs", "jobs"]
    assert len(await rows_of(store, runs)) == 2
