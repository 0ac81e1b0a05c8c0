"""Every benchmark, in the order they run. To add one: a module with ``run``, a line here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import (
    alerts,
    chain,
    http_empty,
    intake,
    long_monitor,
    memory,
    monitors,
    startup,
    writer,
)
from bench.figure import Figure
from bench.setting import Setting


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A name for ``--only``, a line for ``--help``, and the function that measures."""

    name: str
    summary: str
    run: Callable[[Setting], Iterator[Figure]]


BENCHMARKS = (
    Benchmark("chain", "five-activity chains per second, beside durabletask and DBOS", chain.run),
    Benchmark("monitors", "1,000 monitors looking every 30 s: CPU and memory", monitors.run),
    Benchmark("long_monitor", "one monitor of 240 looks: wall and CPU seconds", long_monitor.run),
    Benchmark("startup", "start with 10,000 unfinished instances", startup.run),
    Benchmark("http", "round trips of an empty function, beside uvicorn alone", http_empty.run),
    Benchmark("writer", "commits of the hub's writer, beside SQLite alone", writer.run),
    Benchmark("memory", "memory over 20,000 short orchestrations with purge", memory.run),
    Benchmark("alerts", "Mend: alerts accepted and healed per second", alerts.run),
    Benchmark("intake", "Mend: steady load, storms, many tickets", intake.run),
)
