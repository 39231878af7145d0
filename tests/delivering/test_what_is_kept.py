"""What an endpoint answered is kept, whatever it is made of, on both databases."""

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.outbound.answers import BODY_KEPT_LIMIT, HEADERS_KEPT_LIMIT
from runhook.storage.deliveries.rows import LoggedAttempt
from tests.support.misbehaving import endless_headers
from tests.support.receiver import Answer, raw, status
from tests.support.scene import Scene, deliver_due

EVERY_BYTE = bytes(range(256))


async def attempt_at(scene: Scene, answer: Answer) -> LoggedAttempt:
    """Deliver to an endpoint that answers so, and return the attempt as it was kept."""
    webhook = await scene.webhook_at(await scene.receiver(answer))
    await scene.tenant.start()
    await deliver_due(await scene.dispatcher())
    return await scene.attempt(webhook)


async def test_any_bytes_in_a_body_are_kept_as_they_came(scene: Scene):
    attempt = await attempt_at(scene, status(500, body=EVERY_BYTE))

    assert attempt.response_body == EVERY_BYTE


async def test_of_ten_megabytes_the_beginning_is_kept(scene: Scene):
    attempt = await attempt_at(scene, status(200, body=EVERY_BYTE * 40_000))

    assert attempt.response_body == (EVERY_BYTE * 40_000)[:BODY_KEPT_LIMIT]
    assert attempt.failure is None


async def test_headers_that_are_no_text_are_kept_as_well_as_can_be(scene: Scene):
    answer = b"HTTP/1.1 500 \xff\r\nX-Name: K\xc3\xb6ln\r\nX-Broken: a\xff\x01\x1bb\r\n\r\n"

    attempt = await attempt_at(scene, raw(answer))

    assert attempt.http_status_code == 500
    assert attempt.response_headers == {"x-name": "Köln", "x-broken": "a?\x01\x1bb"}


async def test_a_nul_in_a_header_is_kept_as_what_is_no_text(scene: Scene):
    """PostgreSQL keeps no text with a NUL in it."""
    attempt = await attempt_at(scene, raw(b"HTTP/1.1 200 OK\r\nX-\0Nul: a\0b\r\n\r\n"))

    assert attempt.failure is None
    assert attempt.response_headers == {"x-?nul": "a?b"}


async def test_a_header_that_comes_twice_is_kept_with_both_values(scene: Scene):
    answer = b"HTTP/1.1 200 OK\r\nX-Id: 1\r\nContent-Length: 0\r\nx-id: 2\r\n\r\n"

    attempt = await attempt_at(scene, raw(answer))

    assert attempt.response_headers == {"x-id": "1, 2", "content-length": "0"}


async def test_headers_are_kept_up_to_a_limit(scene: Scene):
    answer = status(200, headers={f"X-Long-{number}": "é" * 2_000 for number in range(50)})

    attempt = await attempt_at(scene, answer)

    assert attempt.failure is None
    assert 0 < len(str(attempt.response_headers)) <= HEADERS_KEPT_LIMIT


async def test_what_was_not_read_does_not_hinder_the_retry(scene: Scene):
    receiver = await scene.receiver(endless_headers, status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    await scene.skip_to_next_attempt(webhook)
    await deliver_due(dispatcher)

    failures = [one.failure for one in await scene.attempts(webhook)]
    assert failures == [FailureReason.RESPONSE_TOO_LARGE, None]
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
