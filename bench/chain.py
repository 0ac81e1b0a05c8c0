"""How many five-activity chains per second: our host, durabletask, DBOS, side by side.

Every engine is a process of its own with its client inside, runs the same number of the
same chains with the same payload, and takes its turn in every repetition, each time at
another place in the order. Each rival is compared with our host started in the same way:
durabletask through its client (ours: the SDK's client, over loopback HTTP), DBOS by a call
in the process (ours: a call of the engine). Each rival runs as it comes, which the goals
are set against, and as quick as we could make it (durabletask kept on one core, DBOS with
a write-ahead log).
"""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.child import Child
from bench.figure import Figure, Goal, ratios
from bench.setting import Setting

ONE_AT_A_TIME = "one_at_a_time"
ALL_AT_ONCE = "all_at_once"
AT_ONCE = 100

_DURABLETASK, _DBOS = "durabletask_memory", "dbos_sqlite"
_GOALS = {"localhost": Goal(at_least=200)}


@dataclass(frozen=True, slots=True)
class Rivalry:
    """Who is compared with which way of ours, and how much quicker ours has to be."""

    rival: str
    ours: str
    goal: Goal | None


RIVALRIES = (
    Rivalry("durabletask", "localhost_client", Goal(at_least=3.0)),
    Rivalry("durabletask_one_core", "localhost_client", None),
    Rivalry("dbos_sqlite", "localhost", Goal(at_least=2.5)),
    Rivalry("dbos_sqlite_wal", "localhost", None),
)


@dataclass(slots=True)
class Contestant:
    """One engine and what it has done so far, by mode: chains per second, CPU ms per chain."""

    name: str
    child: Child
    arguments: Mapping[str, object] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)

    def run(self, mode: str, count: int) -> None:
        """Run ``count`` chains and note how long they took."""
        spent = self.child.ask(mode, {"count": count, **self.arguments})
        self.rates.setdefault(mode, []).append(count / spent["seconds"])
        self.cpu_ms.setdefault(mode, []).append(1000 * spent["cpu_seconds"] / count)

    def warm_up(self) -> None:
        """Let imports, caches and connections happen before anything is timed."""
        self.child.ask(ONE_AT_A_TIME, {"count": 10, **self.arguments})
        self.child.ask(ALL_AT_ONCE, {"count": AT_ONCE // 2, **self.arguments})


def run(setting: Setting) -> Iterator[Figure]:
    """Measure all engines together; without rivals only ours."""
    counts = {ONE_AT_A_TIME: setting.either(30, 60), ALL_AT_ONCE: AT_ONCE}
    with ExitStack() as stack:
        contestants = _contestants(setting, stack)
        about = {one.name: one.child.ask("about") for one in contestants}
        for one in contestants:
            one.warm_up()
        for repetition in range(setting.either(2, 7)):
            for mode, count in counts.items():
                for one in _turned(contestants, repetition):
                    one.run(mode, count)
                rates = ", ".join(f"{one.name} {one.rates[mode][-1]:.0f}" for one in contestants)
                setting.say(f"{mode} {repetition + 1}: {rates} per second")
    by_name = {one.name: one for one in contestants}
    for mode, count in counts.items():
        for one in contestants:
            yield _rate(one, mode, count, about[one.name])
        yield from _ratios(by_name, mode)


def _contestants(setting: Setting, stack: ExitStack) -> list[Contestant]:
    folder = setting.make_folder("chain")

    def child(python: Path | str, module: str, *arguments: object) -> Child:
        return stack.enter_context(Child(python, f"bench.engines.{module}", arguments, folder))

    ours = child(sys.executable, "local_host", folder / "data")
    found = [
        Contestant("localhost", ours, {"start": "direct"}),
        Contestant("localhost_client", ours, {"start": "client"}),
    ]
    rivals = setting.rivals_python
    if rivals is None:
        return found
    return [
        *found,
        Contestant("durabletask", child(rivals, _DURABLETASK, _free_port(), "all")),
        Contestant("durabletask_one_core", child(rivals, _DURABLETASK, _free_port(), "one")),
        Contestant("dbos_sqlite", child(rivals, _DBOS, folder / "delete.db", "delete")),
        Contestant("dbos_sqlite_wal", child(rivals, _DBOS, folder / "wal.db", "wal")),
    ]


def _rate(one: Contestant, mode: str, count: int, about: Mapping[str, Any]) -> Figure:
    return Figure(
        name=f"chain.{mode}.{one.name}",
        unit="1/s",
        runs=one.rates[mode],
        about=f"chains of five activities on {one.name}; {about['durability']}",
        goal=_GOALS.get(one.name) if mode == ALL_AT_ONCE else None,
        facts={
            "chains": count,
            "version": about.get("version", "this one"),
            "cpu_ms_per_chain": [round(value, 2) for value in one.cpu_ms[mode]],
        },
    )


def _ratios(contestants: Mapping[str, Contestant], mode: str) -> Iterator[Figure]:
    for rivalry in RIVALRIES:
        rival = contestants.get(rivalry.rival)
        if rival is not None:
            ours = contestants[rivalry.ours]
            yield Figure(
                name=f"chain.{mode}.times_{rivalry.rival}",
                unit="times",
                runs=ratios(ours.rates[mode], rival.rates[mode]),
                about=f"{rivalry.ours} over {rivalry.rival}, pair by pair",
                goal=rivalry.goal,
                facts={
                    "cpu_times": [
                        round(x, 2) for x in ratios(rival.cpu_ms[mode], ours.cpu_ms[mode])
                    ]
                },
            )


def _turned(contestants: list[Contestant], by: int) -> list[Contestant]:
    place = by % len(contestants)
    return contestants[place:] + contestants[:place]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
