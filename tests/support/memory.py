"""What the system tells of a process: its memory, its descriptors, its CPU time."""

import psutil

MIB = 1 << 20
SLACK = 50 * MIB
"""How much a process may have grown after abuse: caches, pools, and what the allocator keeps."""


def resident(process_id: int) -> int:
    """How many bytes of a process are in memory."""
    return int(psutil.Process(process_id).memory_info().rss)


def descriptors(process_id: int) -> int:
    """How many file descriptors a process has open."""
    return int(psutil.Process(process_id).num_fds())


def cpu_seconds(process_id: int) -> float:
    """How much CPU time a process has used."""
    times = psutil.Process(process_id).cpu_times()
    return float(times.user + times.system)
