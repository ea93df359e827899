"""What a process with all its children uses, and what the machine did meanwhile: from /proc (proc(5)). Linux only."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_TICKS_A_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/<pid>/stat after the command's name, counted from 0.
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True, slots=True)
class ProcessUse:
    cpu_s: float  # user and system time, ended children included
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class CoreUse:
    """One core since the machine started, in seconds."""

    busy_s: float
    stolen_s: float  # the hypervisor ran somebody else

    def since(self, before: Self) -> "CoreUse":
        return CoreUse(self.busy_s - before.busy_s, self.stolen_s - before.stolen_s)


def tree_use(root: int) -> ProcessUse:
    """Return what `root` and its descendants have used so far; those that ended meanwhile count for nothing."""
    stats = _all_stats()
    found, waiting = {root}, [root]
    while waiting:
        parent = waiting.pop()
        children = [pid for pid, fields in stats.items() if int(fields[_PARENT]) == parent and pid not in found]
        found.update(children)
        waiting += children
    ticks = sum(
        int(stats[pid][field])
        for pid in found
        if pid in stats
        for field in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM)
    )
    return ProcessUse(ticks / _TICKS_A_S, sum(_resident_bytes(pid) for pid in found))


def is_running(pid: int) -> bool:
    """Say whether `pid` runs; one that has ended and waits to be collected does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def core_use(core: int) -> CoreUse:
    """Return one core's counters. Raises KeyError for a core that is not there."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _wait, irq, softirq, stolen, *_ = (int(value) / _TICKS_A_S for value in values)
            return CoreUse(user + nice + system + irq + softirq, stolen)
    raise KeyError(core)


def _all_stats() -> dict[int, list[str]]:
    stats = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue  # gone meanwhile
            stats[int(name)] = text.rpartition(")")[2].split()
    return stats


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
