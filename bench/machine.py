"""The machine: what it is, and how much of it somebody else used meanwhile."""

import os
import platform
import resource
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure

_STAT = Path("/proc/stat")
_MOUNTS = Path("/proc/mounts")
_IDLE_COLUMNS = (3, 4)  # idle and iowait of the line "cpu"


@dataclass(frozen=True, slots=True)
class Meter:
    """Tells how busy the machine was with other work since ``Meter.start()``."""

    begun: float
    busy: float | None
    own: float

    @classmethod
    def start(cls) -> "Meter":
        """Start measuring."""
        return cls(time.monotonic(), _busy_seconds(), _own_seconds())

    def others_percent(self) -> float | None:
        """Return the share of all cores that other processes used, in percent.

        Children count as ours once they have ended. None where the system does not tell.
        """
        busy = _busy_seconds()
        if busy is None or self.busy is None:
            return None
        elapsed = (time.monotonic() - self.begun) * (os.cpu_count() or 1)
        others = (busy - self.busy) - (_own_seconds() - self.own)
        return round(100 * max(0.0, others) / elapsed, 1)


def describe(folder: Path) -> Figure:
    """Return what every other figure was measured on."""
    return Figure(
        name="machine.cores",
        unit="cores",
        runs=[float(os.cpu_count() or 1)],
        about="where the figures below were measured",
        facts={
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "system": f"{platform.system()} {platform.machine()}",
            "filesystem": filesystem(folder),
            "load_average": [round(load, 2) for load in os.getloadavg()],
        },
    )


def filesystem(folder: Path) -> str:
    """Return the type of the file system ``folder`` is on, or ``unknown``."""
    try:
        lines = _MOUNTS.read_text("utf-8").splitlines()
    except OSError:
        return "unknown"
    mounts = [line.split()[1:3] for line in lines]
    inside = [(point, kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(inside, key=lambda mount: len(mount[0]))[1] if inside else "unknown"


def _busy_seconds() -> float | None:
    """Return the seconds all cores have worked since the machine was started."""
    try:
        columns = [int(text) for text in _STAT.read_text("utf-8").split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    ticks = sum(columns) - sum(columns[column] for column in _IDLE_COLUMNS)
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
