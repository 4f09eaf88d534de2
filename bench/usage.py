"""What processes use of the machine: CPU and memory, their children's CPU included."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Over a while: CPU as a share of one core, and the most memory held so far."""

    cores: float
    megabytes: float


def peak_megabytes(process: int) -> float:
    """The most memory a process has held so far (VmHWM)."""
    return _status(process, "VmHWM:")


def resident_megabytes(process: int) -> float:
    """The memory a process holds now (VmRSS)."""
    return _status(process, "VmRSS:")


def _status(process: int, field: str) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(process: int) -> float:
    """CPU time a process has used so far; says more than the clock where others share the cores."""
    return sum(_times(process)[:2])


def family_cpu_seconds(process: int) -> float:
    """CPU time of a process and of its children, those that have ended included."""
    return sum(_times(process)) + sum(cpu_seconds(child) for child in children(process))


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _times(process: int) -> list[float]:
    """User, system, and the same of ended children, in seconds; nothing of a process that is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return [0.0] * 4
    return [int(ticks) / _TICK for ticks in fields[11:15]]
