"""Requests that come together share the look-up of their tokens; each gets its own answer."""

import asyncio
from datetime import timedelta

from runhook.clock import SystemClock
from runhook.domain.errors import UnauthorizedError
from runhook.domain.people.callers import COMMAND_LINE, Caller
from runhook.domain.people.permissions import PermissionSet
from runhook.operations.context import Context
from runhook.operations.people.authenticate import Authenticator, token_digest
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.people.tokens import create_token
from runhook.storage.engine.store import Store
from tests.support.clock import ManualClock
from tests.support.statements import all_statements


async def test_many_requests_at_once_need_few_look_ups(store: Store):
    clock = SystemClock()
    await begin_service(store, bootstrap_token=None, clock=clock)
    texts = {}
    for name in ("a", "b"):
        _, texts[name] = await create_token(
            Context(store, clock, COMMAND_LINE), FIRST_ACCOUNT, PermissionSet.JOB_RUNNER, name=name
        )
    authenticator = Authenticator(store, clock)

    async def caller_with(text: str) -> Caller | UnauthorizedError:
        try:
            return await authenticator.authenticate(token_digest(text), address=None)
        except UnauthorizedError as error:
            return error

    asked = [texts["a"], texts["b"], "unknown"] * 20
    with all_statements() as statements:
        answers = await asyncio.gather(*map(caller_with, asked))

    names = [answer.actor.name if isinstance(answer, Caller) else None for answer in answers]
    assert names == ["a", "b", None] * 20
    # What is not among the valid ones is looked up once more, for when it ended.
    assert sum("FROM tokens" in statement for statement in statements) <= 6


async def test_what_is_asked_again_needs_a_look_up_a_minute(store: Store, clock: ManualClock):
    await begin_service(store, bootstrap_token=None, clock=clock)
    context = Context(store, clock, COMMAND_LINE)
    _, text = await create_token(context, FIRST_ACCOUNT, PermissionSet.JOB_RUNNER, name="a")
    authenticator = Authenticator(store, clock)

    async def statements_of_a_use(*, is_asked_again: bool) -> int:
        with all_statements() as statements:
            await authenticator.authenticate(
                token_digest(text), address=None, is_asked_again=is_asked_again
            )
        return len(statements)

    for _ in range(2):
        # The first use is noted, and the second sees that it is.
        assert await statements_of_a_use(is_asked_again=True)

    assert await statements_of_a_use(is_asked_again=True) == 0
    assert await statements_of_a_use(is_asked_again=False) == 1
    clock.advance(timedelta(minutes=1))
    assert await statements_of_a_use(is_asked_again=True)
