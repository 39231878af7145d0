"""What the others feel of one endpoint among ten that takes requests and never answers.

Rounds with all ten well and rounds with the hanging one in the place of the tenth take turns, on
one service, and the nine are compared. The hanging one's webhook is activated anew before its
round, so that it has all its places again, and deactivated after it, which cancels what it is owed.
"""

import statistics
from collections.abc import Iterator

from benchmarks.databases import KINDS, database
from benchmarks.receiver import Receiver, a_receiver
from benchmarks.reporting import Heard, add_jobs, percentiles, report, switch_webhook
from benchmarks.scale import Scale
from benchmarks.service import Service, a_service
from benchmarks.table import Figure

RATE = 200
MOST_TIMES = 1.2


def measure(scale: Scale) -> Iterator[Figure]:
    """Compare on each database."""
    for kind in KINDS:
        with database(kind) as kept, a_receiver() as receiver, a_service(kept) as service:
            without, beside = compare(scale, service, receiver)
        ratio = statistics.median(one.p99 for one in beside) / statistics.median(
            one.p99 for one in without
        )
        name = f"one of ten endpoints hangs, {RATE} reports/s, {kind}"
        for title, rounds in (("without it", without), ("the other nine", beside)):
            arriving = [seconds for one in rounds for seconds in one.arriving]
            is_held = all(one.is_held for one in rounds)
            yield Figure(
                what=f"{name}: {title}, 50/95/99 %",
                value=percentiles(arriving) + ("" if is_held else ", RATE NOT HELD"),
            )
        yield Figure(
            what=f"{name}: 99 %, median of {scale.rounds} rounds",
            value=f"{ratio:.2f} times",
            goal=f"<= {MOST_TIMES} times",
            is_met=ratio <= MOST_TIMES and all(one.is_held for one in (*without, *beside)),
        )


def compare(scale: Scale, service: Service, receiver: Receiver) -> tuple[list[Heard], list[Heard]]:
    """Rounds without and with the hanging endpoint; of both the same nine count."""
    *nine, tenth, hanging = add_jobs(service.client, [*receiver.urls, receiver.hanging])
    switch_webhook(service.client, hanging, active=False)
    rounds: dict[str, list[Heard]] = {tenth: [], hanging: []}
    for number in range(scale.rounds):
        for last in (tenth, hanging) if number % 2 == 0 else (hanging, tenth):
            switch_webhook(service.client, hanging, active=last == hanging)
            heard = report(
                service,
                receiver,
                [*nine, last],
                rate=RATE,
                seconds=scale.round_seconds,
                silent={last},
            )
            rounds[last].append(heard)
    return rounds[tenth], rounds[hanging]
