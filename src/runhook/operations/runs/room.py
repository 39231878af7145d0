"""Whether an account has room for another run or job that is reported.

Jobs are counted when one is new. Open runs are counted once, and then only estimated, too high,
until the estimate is as high as the quota: a report pays for counting only where many are open.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping

from runhook.domain.people.quotas import Quotas
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.jobs import count_jobs
from runhook.storage.runs.rows import count_open_runs

ACCOUNTS_REMEMBERED = 10_000


class Room:
    """Estimates how many open runs each account has.

    Args:
        quotas: say how many runs and jobs an account may have.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._open_runs: OrderedDict[AccountId, int] = OrderedDict()

    async def for_runs(
        self, tx: Transaction, wanted: Mapping[AccountId, int]
    ) -> Counter[AccountId]:
        """How many more runs these accounts may start, at most as many as wanted."""
        most = self._quotas.open_runs
        uncertain = [
            account_id
            for account_id, count in wanted.items()
            if self._open_runs.get(account_id, most) + count > most
        ]
        if uncertain:
            self._open_runs.update(await count_open_runs(tx, uncertain))
        room: Counter[AccountId] = Counter()
        for account_id, count in wanted.items():
            room[account_id] = max(0, min(count, most - self._open_runs[account_id]))
            self._open_runs[account_id] += room[account_id]
            self._open_runs.move_to_end(account_id)
        while len(self._open_runs) > ACCOUNTS_REMEMBERED:
            self._open_runs.popitem(last=False)
        return room

    async def for_jobs(
        self, tx: Transaction, account_ids: Collection[AccountId]
    ) -> Counter[AccountId]:
        """How many more jobs these accounts may have."""
        counts = await count_jobs(tx, account_ids)
        return Counter({one: self._quotas.jobs - counts.get(one, 0) for one in account_ids})
