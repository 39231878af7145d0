"""What endpoints have received, kept small enough for hours."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection

from tests.support.receiver import Received


class Arrivals:
    """Which deliveries came to which path, how often, and whether always with the same bytes."""

    def __init__(self) -> None:
        self._bytes: dict[tuple[str, str], set[bytes]] = defaultdict(set)
        self._times: Counter[tuple[str, str]] = Counter()
        self._runs: dict[str, Counter[int]] = defaultdict(Counter)

    def note(self, request: Received) -> None:
        """Note a request."""
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

    def problems(self, path: str, run_ids: Collection[int]) -> list[str]:
        """What is wrong, given that the start of each of these runs is owed to a path."""
        found = [
            f"{path}: {text}: {amount:,}"
            for text, amount in (
                ("acknowledged and never arrived", len(set(run_ids) - self._runs[path].keys())),
                (
                    "runs told of by several deliveries",
                    sum(count > 1 for count in self._runs[path].values()),
                ),
            )
            if amount
        ]
        changed = sum(len(bodies) > 1 for bodies in self._bytes.values())
        return found + ([f"deliveries whose bytes changed: {changed:,}"] if changed else [])
