"""What endpoints have received, kept small enough for hours."""

import hashlib
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Collection

from tests.support.receiver import Received

MINUTE = 60


class Arrivals:
    """Which deliveries came to which path, how often, and whether always with the same bytes."""

    def __init__(self) -> None:
        self._bytes: dict[tuple[str, str], set[bytes]] = defaultdict(set)
        self._times: Counter[tuple[str, str]] = Counter()
        self._runs: dict[str, Counter[int]] = defaultdict(Counter)
        self._seconds: dict[str, Counter[int]] = defaultdict(Counter)

    def note(self, request: Received) -> None:
        """Note a request."""
        self._seconds[request.path][int(time.monotonic())] += 1
        which = (request.path, request.headers["webhook-id"])
        if not self._times[which]:
            run_id = int(json.loads(request.body)["data"]["run_id"])
            self._runs[request.path][run_id] += 1
        self._times[which] += 1
        self._bytes[which].add(hashlib.sha256(request.body).digest())

    @property
    def repeated(self) -> int:
        """How many deliveries came more than once."""
        return sum(times > 1 for times in self._times.values())

    def __len__(self) -> int:
        return len(self._times)

    def runs(self, path: str) -> int:
        """How many runs a path has been told of."""
        return len(self._runs[path])

    def by_minute(self, path: str, began: float, ended: float) -> list[int]:
        """How many requests came to a path in each minute between two moments.

        Args:
            path: of an endpoint.
            began: a moment of the steady clock; a minute begins with any whole second after it.
            ended: another one, at least a minute and two seconds later.
        """
        seconds = [self._seconds[path][one] for one in range(math.ceil(began), math.floor(ended))]
        return [sum(seconds[one : one + MINUTE]) for one in range(len(seconds) - MINUTE + 1)]

    def missing(self, path: str, run_ids: Collection[int]) -> set[int]:
        """Which of these runs a path was not told of."""
        return set(run_ids) - self._runs[path].keys()

    def problems(self, path: str, run_ids: Collection[int]) -> list[str]:
        """What is wrong, given that the start of each of these runs is owed to a path."""
        found = [
            f"{path}: {text}: {amount:,}"
            for text, amount in (
                ("acknowledged and never arrived", len(self.missing(path, run_ids))),
                (
                    "runs told of by several deliveries",
                    sum(count > 1 for count in self._runs[path].values()),
                ),
            )
            if amount
        ]
        changed = sum(len(bodies) > 1 for bodies in self._bytes.values())
        return found + ([f"deliveries whose bytes changed: {changed:,}"] if changed else [])
