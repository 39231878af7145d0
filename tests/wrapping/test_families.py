"""Who was started under a wrapper, and what a request to stop is to them."""

import os
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from runhook.client.processes.programs import ProcessRole, role_of
from runhook.client.processes.table import (
    Process,
    command_line_of,
    from_proc,
    from_ps,
    process_in_line,
    running_processes,
)
from runhook.client.wrapper.family import (
    NO_ADOPTION,
    Family,
    FamilyMember,
    ends_in,
    runners_in,
)
from tests.support.patience import look_until

ROLES = {
    "dbt build": ProcessRole.DBT,
    "/venv/bin/python3.11 /venv/bin/dbt build": ProcessRole.DBT,
    "python -X utf8 -B -m dbt.cli.main run": ProcessRole.DBT,
    "python3 -Im dbt run": ProcessRole.DBT,
    "pypy3 -W error dbt run": ProcessRole.DBT,
    "dbtf build": ProcessRole.DBT,
    "dbt docs serve": ProcessRole.OTHER,
    "python": ProcessRole.OTHER,
    "python etl.py dbt": ProcessRole.OTHER,
    "python -m etl dbt": ProcessRole.OTHER,
    "docker run --rm image dbt build": ProcessRole.OTHER,
    "tail -f dbt": ProcessRole.OTHER,
    "/usr/bin/python3 /venv/bin/runhook run -- dbt build": ProcessRole.WRAPPER,
    "python -m runhook.cli.main step -- dbt build": ProcessRole.WRAPPER,
    "runhook flush": ProcessRole.OTHER,
    "sh -c dbt": ProcessRole.SHELL,
    "-bash": ProcessRole.SHELL,
    "bash /venv/bin/dbt build": ProcessRole.SHELL,
    "busybox sh -c dbt": ProcessRole.SHELL,
    "busybox timeout 10 dbt": ProcessRole.LAUNCHER,
    "/usr/bin/timeout 600 dbt build": ProcessRole.LAUNCHER,
    "python3 /usr/bin/poetry run dbt build": ProcessRole.LAUNCHER,
    "uv run dbt build": ProcessRole.LAUNCHER,
    "make nightly": ProcessRole.MAKE,
    "": ProcessRole.OTHER,
}


@pytest.mark.parametrize("line", ROLES)
def test_a_program_is_known_by_its_command_line(line: str):
    assert role_of(line.split()) == ROLES[line]


def test_dbts_runner_within_python_is_dbt():
    assert role_of(["python", "-c", "from dbt.cli.main import dbtRunner; ..."]) == ProcessRole.DBT
    assert (
        role_of(["python", "-c", "import subprocess; subprocess.run(['dbt'])"]) == ProcessRole.OTHER
    )


@pytest.fixture
def tree() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child, and with a grandchild that has left its group."""
    script = "timeout 1000 cat & cat; wait"
    with subprocess.Popen(
        ["sh", "-c", f"exec 3<&0; {script.replace('cat ', 'cat <&3 ')}; echo"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(b"up\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == b"up\n"

        def is_complete() -> bool:
            members = Family(shell.pid, leads_group=True, adoption=NO_ADOPTION).members()
            # A process that has just been forked is still called as its parent is.
            return len(members) == 4 and programs_at_the_ends(members) == {"cat"}

        look_until(is_complete)
        yield shell
        shell.stdin.close()


def programs_at_the_ends(members: Sequence[FamilyMember]) -> set[str]:
    return {" ".join(command_line_of(one.process)[:1]) for one in ends_in(members)}


def without_birth(process: Process) -> tuple[int, int, int]:
    return (process.pid, process.parent, process.group)


def test_ps_tells_what_proc_tells(tree: subprocess.Popen[bytes]):
    ours = {tree.pid, os.getpid()}

    by_proc = {one.pid: one for one in from_proc()}
    by_ps = {one.pid: one for one in from_ps()}

    for pid in ours:
        assert without_birth(by_ps[pid]) == without_birth(by_proc[pid])
    assert (
        command_line_of(by_ps[tree.pid])[:2]
        == command_line_of(by_proc[tree.pid])[:2]
        == ["sh", "-c"]
    )


@pytest.mark.parametrize("line", ["", "1", "x 1 1 S", "1 2 3"])
def test_a_line_of_ps_that_is_none_is_passed_over(line: str):
    assert process_in_line(line) is None


def test_a_family_is_found_by_descent_whatever_groups_it_is_in(tree: subprocess.Popen[bytes]):
    members = Family(tree.pid, leads_group=False, adoption=NO_ADOPTION).members()

    assert [one.role for one in members[:1]] == [ProcessRole.SHELL]
    assert len({one.process.group for one in members}) == 2
    assert runners_in(members) == []
    assert programs_at_the_ends(members) == {"cat"}


def test_who_was_seen_is_found_when_its_parent_has_ended(tree: subprocess.Popen[bytes]):
    family = Family(tree.pid, leads_group=False, adoption=NO_ADOPTION)
    before = {one.process.pid for one in family.members()}
    tree.kill()
    tree.wait()

    after = {one.process.pid for one in family.members()}

    assert after == before - {tree.pid}


def test_our_own_process_is_among_those_that_run():
    assert running_processes()[os.getpid()].parent == os.getppid()
