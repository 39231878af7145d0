"""Find every process started under a wrapper, in any group or session and with any parent.

On Linux the wrapper is a subreaper: processes that lose their parent become its children, so its
descendants are complete. Elsewhere, of processes that lost their parent, only those are found that
are in the command's process group or were seen before.
"""

import os
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runhook.client.processes.programs import ProcessRole, role_of
from runhook.client.processes.table import Key, Process, command_line_of, running_processes

RUNNERS = {ProcessRole.DBT, ProcessRole.WRAPPER}
"""A run is not over as long as one of these runs."""
PASSING = {ProcessRole.SHELL, ProcessRole.MAKE, ProcessRole.LAUNCHER}
"""What is there to start something else."""


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """A process that was started under the wrapper."""

    process: Process
    role: ProcessRole
    above: Sequence["FamilyMember"]
    """Its ancestors under the wrapper, the nearest last."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """Whether what has lost its parent becomes our child, and which children are not of the run."""

    is_ours: bool
    inherited: Collection[Key] = ()
    """Those of the shell that has become this process by `exec runhook run`."""


NO_ADOPTION = Adoption(is_ours=False)


class Family:
    """Finds the processes that a command has started.

    Args:
        leader: the command's process.
        leads_group: whether it leads a process group of its own.
        adoption: how processes that lose their parent are adopted.
    """

    def __init__(self, leader: int, *, leads_group: bool, adoption: Adoption) -> None:
        self._leader = leader
        self._leads_group = leads_group
        self._adoption = adoption
        self._seen: set[Key] = set()
        self._passed_over: set[Key] = set(adoption.inherited)

    def members(self) -> Sequence[FamilyMember]:
        """Running processes, parents before children; none if they cannot be seen."""
        try:
            return self._found()
        except Exception:  # noqa: BLE001 - dbt's run must not suffer from our bugs
            return []

    def _found(self) -> Sequence[FamilyMember]:
        table = running_processes()
        children: dict[int, list[Process]] = {}
        for one in table.values():
            children.setdefault(one.parent, []).append(one)
        found: dict[int, FamilyMember] = {}
        queue: deque[tuple[Process, tuple[FamilyMember, ...]]] = deque(
            (root, ()) for root in self._roots(table, children)
        )
        while queue:
            process, above = queue.popleft()
            if process.pid in found or process.key in self._passed_over:
                continue
            member = FamilyMember(process, role_of(command_line_of(process)), above)
            found[process.pid] = member
            queue.extend((child, (*above, member)) for child in children.get(process.pid, ()))
        self._seen.update(one.process.key for one in found.values())
        return [*found.values()]

    def pass_over_daemons(self) -> None:
        """Forget what has by now cut itself off from the run: ssh's master connection, agents.

        Such a process has a session of its own, and what has started it has ended. One that is
        dbt, or that dbt runs under, is none.
        """
        found = self.members()
        sessions = {one.process.session for one in found if one.process.pid == self._leader}
        needed = {
            above.process.key for one in found if one.role in RUNNERS for above in (*one.above, one)
        }
        self._passed_over.update(
            one.process.key
            for one in found
            if one.process.parent == os.getpid()
            and one.process.pid != self._leader
            and one.process.session not in {os.getsid(0), *sessions}
            and one.process.key not in needed
        )

    def _roots(
        self, table: Mapping[int, Process], children: Mapping[int, Sequence[Process]]
    ) -> Sequence[Process]:
        if self._adoption.is_ours:
            return children.get(os.getpid(), ())
        ours = {
            pid: one
            for pid, one in table.items()
            if pid == self._leader
            or one.key in self._seen
            or (self._leads_group and one.group == self._leader)
        }
        return [one for one in ours.values() if one.parent not in ours]


def runners_in(members: Iterable[FamilyMember]) -> Sequence[FamilyMember]:
    """Processes that run dbt, without those below another one that does."""
    return [
        one
        for one in members
        if one.role in RUNNERS and not any(above.role in RUNNERS for above in one.above)
    ]


def ends_in(members: Sequence[FamilyMember]) -> Sequence[FamilyMember]:
    """The topmost process of each branch that is not merely passing a command on."""
    parents = {one.process.parent for one in members}
    return [
        one
        for one in members
        if (one.role not in PASSING or one.process.pid not in parents)
        and all(above.role in PASSING for above in one.above)
    ]
