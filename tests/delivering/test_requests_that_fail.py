"""Whatever goes wrong between us and an endpoint gets a name and a sentence that helps."""

import pytest

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.network.destinations import AddressPolicy
from tests.support.receiver import Answer, hang, raw, reset
from tests.support.scene import LONG, SHORT, Scene, deliver_due

ENDLESS_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 100_000 + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (hang, FailureReason.TIMED_OUT),
        (reset, FailureReason.CONNECTION_FAILED),
        (raw(b"nonsense\r\n\r\n"), FailureReason.CONNECTION_FAILED),
        (raw(b""), FailureReason.CONNECTION_FAILED),
        (raw(ENDLESS_HEADERS), FailureReason.RESPONSE_TOO_LARGE),
    ],
    ids=["hang", "reset", "garbage", "nothing", "endless headers"],
)
async def test_an_answer_that_is_none_is_named(
    scene: Scene, answer: Answer, failure: FailureReason
):
    receiver = await scene.receiver(answer)
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    deadline = SHORT if failure is FailureReason.TIMED_OUT else LONG
    await deliver_due(await scene.dispatcher(deadline=deadline))

    attempt = await scene.attempt(webhook)
    assert attempt.failure is failure
    assert attempt.error.endswith(".")


async def test_an_address_that_policy_refuses_is_never_dialled(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher(policy=AddressPolicy()))

    attempt = await scene.attempt(webhook)
    assert attempt.failure is FailureReason.ADDRESS_REFUSED
    assert "RUNHOOK_ALLOW_NETWORKS" in attempt.error
    assert receiver.connections == 0
