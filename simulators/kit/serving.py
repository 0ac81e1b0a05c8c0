"""Runs simulators as HTTP servers on loopback until the process is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from simulators.kit.clock import Clock
from simulators.kit.connection import ControllableProtocol

_GRACE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Simulator:
    """A simulated service, ready to be served.

    Attributes:
        name: As in the registry.
        title: The real thing's name, for people.
        app: Its paths and its controls.
        interrupt: Wakes calls that are made to wait, so that stopping is quick.
        beside: What else runs while it is served, for instance a port that speaks no HTTP.
    """

    name: str
    title: str
    app: ASGIApp
    interrupt: Callable[[], None]
    beside: Callable[[], AbstractAsyncContextManager[None]] | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a simulator gets from outside.

    Attributes:
        clock: Its time.
        token: Bearer token callers must show; ``None`` lets everybody in.
    """

    clock: Clock
    token: str | None = None


Announce = Callable[[Simulator, str], None]


class _Server(uvicorn.Server):
    """uvicorn, leaving signals to ``serve``: one handler stops all servers, with status 0."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio does not set TCP_NODELAY, and every answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def address(listener: socket.socket) -> str:
    """Return the base URL of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    simulators: Sequence[tuple[Simulator, socket.socket]],
    announce: Announce,
    *,
    until: asyncio.Event,
) -> None:
    """Serve all of ``simulators`` until ``until`` is set, SIGTERM or SIGINT.

    Args:
        simulators: Each with the socket it listens on.
        announce: Called with each simulator and its URL once all accept calls.
        until: Set by the caller to stop.
    """
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, until.set)
    servers = [_Server(_config(simulator.app)) for simulator, _ in simulators]
    tasks = [
        asyncio.create_task(server.serve([listener]))
        for server, (_, listener) in zip(servers, simulators, strict=True)
    ]
    for server, task in zip(servers, tasks, strict=True):
        await _ready(server, task)
    async with contextlib.AsyncExitStack() as others:
        for simulator, listener in simulators:
            if simulator.beside is not None:
                await others.enter_async_context(simulator.beside())
            announce(simulator, address(listener))
        await until.wait()
        for server, (simulator, _) in zip(servers, simulators, strict=True):
            server.should_exit = True
            simulator.interrupt()
        await asyncio.gather(*tasks)


async def _ready(server: _Server, task: asyncio.Task[None]) -> None:
    waiting = asyncio.create_task(server.ready.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        task.result()  # raises what kept it from starting
        raise RuntimeError("the server ended before it accepted calls")


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ControllableProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
    )
