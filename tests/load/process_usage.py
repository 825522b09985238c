"""CPU time and memory of groups of processes, from /proc.

CPU time is user and system time. That of a child counts for the child while it runs, and for its
parent once it has ended, so that the sum over a tree misses nothing and counts nothing twice.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_POSTGRES_BACKEND = re.compile(r"postgres: \S+ \S+ (\[local\]|[\d.:a-f]+\()")
POSTGRES_BACKENDS = "postgres backends"


@dataclass(frozen=True)
class ProcessStat:
    """The line /proc/<pid>/stat of a process."""

    pid: int
    parent: int
    own_seconds: float
    ended_children_seconds: float

    @classmethod
    def parse(cls, line: str) -> "ProcessStat":
        # the name of the program is in parentheses and may contain anything
        fields = line.rpartition(")")[2].split()
        own, children = (
            (int(fields[at]) + int(fields[at + 1])) / _TICKS_PER_SECOND for at in (11, 13)
        )
        return cls(int(line.partition(" ")[0]), int(fields[1]), own, children)


@dataclass(frozen=True)
class Memory:
    """Memory in bytes. RSS counts a shared page once for each process, PSS divides it by them."""

    rss: int
    pss: int


@dataclass(frozen=True)
class ProcessGroups:
    """Finds the processes of a program and its descendants, by the kind of process."""

    roots: Mapping[int, str]
    """The kind of each first process, by pid. Descendants have the kind of the nearest root."""
    refine: Callable[[int, str], str] = field(default=lambda _pid, kind: kind)
    """Returns the kind of a process whose memory is shown apart from others of its kind. Its CPU
    time is not: when it ends, all of it passes to its parent."""

    def find_pids(self) -> dict[int, str]:
        """Return the kind of each living process."""
        parents = {stat.pid: stat.parent for stat in _iter_stats()}
        kinds = ((pid, find_kind(pid, parents, self.roots)) for pid in parents)
        return {pid: kind for pid, kind in kinds if kind}

    def measure_cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each kind."""
        seconds = dict[str, float]()
        for pid, kind in self.find_pids().items():
            seconds[kind] = seconds.get(kind, 0.0) + measure_cpu(pid)
        return seconds

    def measure_memory(self) -> dict[str, Memory]:
        """Return the memory of each kind."""
        totals: dict[str, Memory] = {}
        for pid, general_kind in self.find_pids().items():
            kind = self.refine(pid, general_kind)
            before, more = totals.get(kind, Memory(0, 0)), measure_memory(pid)
            totals[kind] = Memory(before.rss + more.rss, before.pss + more.pss)
        return totals


def find_kind(pid: int, parents: Mapping[int, int], roots: Mapping[int, str]) -> str:
    """Return the kind of the nearest root above a process or itself; empty if there is none."""
    while pid and pid not in roots:
        pid = parents.get(pid, 0)
    return roots.get(pid, "")


def distinguish_postgres_backends(pid: int, kind: str) -> str:
    """Return `postgres backends` for the processes of connections."""
    if kind != "postgres":
        return kind
    try:
        command = (_PROC / str(pid) / "cmdline").read_text()
    except OSError:  # it has just ended
        return kind
    return POSTGRES_BACKENDS if _POSTGRES_BACKEND.match(command) else kind


def measure_cpu(pid: int) -> float:
    """Return the CPU seconds of a process and of its ended children; 0 if it has just ended."""
    try:
        stat = ProcessStat.parse((_PROC / str(pid) / "stat").read_text())
        # nanoseconds, where /proc has hundredths: the clock of clock_getcpuclockid(3)
        own = time.clock_gettime((~pid << 3) | 2)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    except OSError:  # a zombie has no clock
        own = stat.own_seconds
    return own + stat.ended_children_seconds


def measure_memory(pid: int) -> Memory:
    """Return the memory of a process; 0 if it has just ended."""
    try:
        resident = int((_PROC / str(pid) / "statm").read_text().split()[1])
        rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return Memory(0, 0)
    found = re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)
    return Memory(resident * _PAGE_BYTES, int(found[1]) * 1024 if found else 0)


def subtract(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """Return what each kind has used between two measurements."""
    return {kind: seconds - before.get(kind, 0.0) for kind, seconds in after.items()}


def _iter_stats() -> Iterable[ProcessStat]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            yield ProcessStat.parse((folder / "stat").read_text())
        except OSError:  # it has just ended
            continue
