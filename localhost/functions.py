"""What the host knows of one function of the app."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """A user function and how its parameters are filled.

    Attributes:
        parameter: Receives the trigger's value.
        clients: Parameters that receive the durable client's binding (a string).
        wants_context: Has a parameter ``context`` of its own for ``func.Context``.
    """

    name: str
    call: Callable[..., Any]
    parameter: str
    clients: tuple[str, ...] = ()
    wants_context: bool = False
    folder: Path = Path()

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop; others get a thread."""
        return inspect.iscoroutinefunction(self.call)


@dataclass(frozen=True, slots=True)
class HttpFunction:
    """A function behind a route. No ``methods`` means every method."""

    function: Function
    route: str
    methods: frozenset[str]
    auth_level: str


@dataclass(frozen=True, slots=True)
class TimerFunction:
    """A function with a schedule: NCRONTAB, or a time span between runs."""

    function: Function
    schedule: str
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True, slots=True)
class QueueFunction:
    """A function per message of a queue."""

    function: Function
    queue: str
    connection_string: str


@dataclass(frozen=True, slots=True)
class BlobFunction:
    """A function per blob that fits ``path``, e.g. ``in/{name}.csv``."""

    function: Function
    path: str
    connection_string: str


@dataclass(frozen=True, slots=True)
class App:
    """All functions of an app, by kind; durable ones by lower-case name.

    Attributes:
        skipped: Function name and the reason why this host does not run it.
    """

    http: list[HttpFunction] = field(default_factory=list)
    timers: list[TimerFunction] = field(default_factory=list)
    queues: list[QueueFunction] = field(default_factory=list)
    blobs: list[BlobFunction] = field(default_factory=list)
    warm_ups: list[Function] = field(default_factory=list)
    orchestrators: dict[str, Function] = field(default_factory=dict)
    activities: dict[str, Function] = field(default_factory=dict)
    entities: dict[str, Function] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
