"""Everything together, started and stopped in the right order.

    start   port -> folder lock -> environment -> hub -> answer 503 -> app -> recover -> ready
    stop    503 -> timers, running functions and activities end -> close hub -> unlock

The port comes first because the app may ask for ``WEBSITE_HOSTNAME`` when imported.
"""

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import azure.functions as func
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhost import loader, pubsub
from localhost.admin import AdminApi, Runner
from localhost.blobs import Blobs
from localhost.clock import Clock, SystemClock
from localhost.durable import sdk, strict
from localhost.durable.activities import Activity
from localhost.durable.api import DurableApi
from localhost.durable.binding import RPC, WEBHOOKS, Links
from localhost.durable.engine import Engine, Options
from localhost.durable.entities import EntityFunction
from localhost.durable.http_activity import call_http
from localhost.durable.hub import Hub
from localhost.durable.performer import HTTP_ACTIVITY, Known
from localhost.durable.protocol import JsonV1, WorkerProtocol
from localhost.durable.records import Task
from localhost.durable.writer import HubBroken, HubUnavailable
from localhost.front import Endpoint, Front, State
from localhost.functions import App, Function
from localhost.guard import Guard
from localhost.http import function_routes
from localhost.invoke import Invoker
from localhost.keys import Keys
from localhost.loader import BadApp
from localhost.lock import FolderLock
from localhost.pubsub import PubSub
from localhost.queues import Queues
from localhost.routes import Route, Router, Template
from localhost.settings import (
    BadSettings,
    HostSettings,
    apply_local_settings,
    read_host_settings,
)
from localhost.site import Site
from localhost.timers import Timers
from localhost.window.routes import Window

log = logging.getLogger(__name__)

# While requests are being answered an activity waits, at most so long: under load senders get
# their answer first, and the work behind it goes on all the same.
_COURTESY_SECONDS = 0.1

# A stop must end in under 10 s; what is left after this runs again next time.
DRAIN_SECONDS = 5.0

# The durable client gives up idle connections after 15 s (aiohttp's default). Were the host to
# close them first, it could do so under a request, and the SDK then drops its session and with
# it every other request of the process.
_KEEP_ALIVE_SECONDS = 60

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Host:
    """One app on one port with one data folder; use it with ``async with``.

    Args:
        app_dir: Folder of ``function_app.py``, ``host.json``, ``local.settings.json``.
        data_dir: Everything the host keeps; made when missing.
        app: Functions to run instead of importing ``function_app`` (for tests).
        bind: Address to listen on. Anything but loopback needs ``auth``.
        port: 0 picks a free one; see :attr:`url`.
        options: Limits of the orchestration engine.
        auth: Ask for keys; see :mod:`localhost.keys`.
        strict: Fail instances that walk into a trap of the SDK; see
            :mod:`localhost.durable.strict`.
        site: Folder of built web pages to serve at ``/``; see :mod:`localhost.site`.

    Raises (from ``async with``):
        BadSettings, BadApp, ImportFailed, BadTemplate, BadSchedule: the app or its settings
            are wrong.
        Locked: another host uses ``data_dir``.
        UnusableHub: the database is damaged or too new.
        OSError: the port is taken.
    """

    def __init__(  # noqa: PLR0913  all by name
        self,
        *,
        data_dir: Path | str,
        app_dir: Path | str = ".",
        app: func.FunctionRegister | None = None,
        bind: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
        options: Options | None = None,
        auth: bool = False,
        strict: bool = False,
        site: Path | None = None,
    ) -> None:
        self._app_dir = Path(app_dir).resolve()
        self._data_dir = Path(data_dir).resolve()
        self._register = app
        self._bind = bind
        self._port = port
        self._clock: Clock = clock or SystemClock()
        self._options = options
        self._auth = auth
        self._strict = strict
        self._site = None if site is None else Site(site)
        self._keys_path = self._data_dir / "hub" / "keys.json"
        self._stack = contextlib.AsyncExitStack()
        self.settings = HostSettings()
        self.app = App()
        self.url = ""
        self._broken: asyncio.Future[BaseException] | None = None

    @property
    def keys_notice(self) -> str:
        """One line for people: whether keys are asked for, and where they are."""
        if self._auth:
            return f"Keys are in {self._keys_path}"
        return "Nobody is asked for keys (--auth asks for them)."

    @property
    def engine(self) -> Engine:
        """The orchestration engine; only while the host runs."""
        return self._engine

    @property
    def hub(self) -> Hub:
        """The task hub; only while the host runs."""
        return self._hub

    async def __aenter__(self) -> Self:
        """Return the host once it accepts work."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop in order."""
        await self.stop()

    async def broken(self) -> BaseException:
        """Wait until the hub can no longer be written, and return why. Usually for ever."""
        if self._broken is None:
            raise RuntimeError("the host does not run")
        return await asyncio.shield(self._broken)

    async def stop(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Accept no more work, let running work end, and close everything.

        Args:
            drain_seconds: Longest wait for running functions and activities.
        """
        if self._front.state is State.READY:
            self._front.state = State.STOPPING
        await asyncio.gather(
            self._timers.stop(drain_seconds),
            self._queues.stop(drain_seconds),
            self._blobs.stop(drain_seconds),
            self._engine.drain(drain_seconds),
            self._requests_end(drain_seconds),
        )
        await self._stack.aclose()

    # -- start -------------------------------------------------------------------------

    async def _start(self) -> None:
        check_bind(self._bind, auth=self._auth)
        listener = listen(self._bind, self._port)
        self._stack.callback(listener.close)
        self._port = listener.getsockname()[1]
        self.url = f"http://{_authority(self._bind, self._port)}"
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._stack.callback(FolderLock(self._data_dir).release)
        self.settings = read_host_settings(self._app_dir)
        self._stack.enter_context(self._environment())
        self._stack.enter_context(sdk.tuned())
        if self._strict:
            self._stack.enter_context(strict.checked_timers())
        self._open_hub()
        self._stack.push_async_callback(self._hub.close)
        await self._serve(listener)
        self._load()
        self._wire()
        await self._warm_up()
        await self._engine.start()
        self._stack.callback(self._engine.halt)
        self._timers.start()
        self._queues.start()
        self._blobs.start()
        self._front.state = State.READY

    @contextlib.contextmanager
    def _environment(self) -> Iterator[None]:
        """Set what the app may read, as ``func start`` does; take it back at the end."""
        before = dict(os.environ)
        os.environ["WEBSITE_HOSTNAME"] = _authority(self._bind, self._port)
        os.environ["LOCAL_DATA_DIR"] = str(self._data_dir)
        os.environ["LOCAL_PUBSUB_ENDPOINT"] = f"{self.url}/{pubsub.BASE}"
        try:
            apply_local_settings(self._app_dir, os.environ)
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _open_hub(self) -> None:
        folder = self._data_dir / "hub"
        folder.mkdir(exist_ok=True)
        self._broken = asyncio.get_running_loop().create_future()
        self._hub = Hub(folder / "hub.db", self._clock, self._break)

    def _break(self, error: BaseException) -> None:
        self._front.state = State.BROKEN
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(error)

    async def _serve(self, listener: socket.socket) -> None:
        self._front = Front(_allowed_hosts(self._bind), RPC, self._site)
        server = _Server(
            uvicorn.Config(
                self._front,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="wsproto",
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))

        async def end() -> None:
            server.should_exit = True
            await serving

        self._stack.push_async_callback(sdk.close_client_session)
        self._stack.push_async_callback(end)
        while not server.started and not serving.done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # uvicorn tells nobody

    def _load(self) -> None:
        if self._register is not None:
            self.app = loader.describe(self._register, self._app_dir)
        else:
            self.app = loader.load(self._app_dir)

    def _wire(self) -> None:
        app, settings = self.app, self.settings
        names = [one.function.name for one in app.http]
        keys = Keys(self._keys_path, names) if self._auth else None
        self._guard = Guard(keys)
        self._links = Links(self.url, settings.hub_name, None if keys is None else keys.system)
        self._invoker = Invoker(settings.function_timeout, self._links.client_binding())
        self._stack.callback(self._invoker.close)
        known = Known(
            activities=frozenset({*app.activities, HTTP_ACTIVITY.lower()}),
            orchestrators=frozenset(app.orchestrators),
            entities=frozenset(app.entities),
        )
        options = self._options or Options(
            episodes=settings.max_orchestrators, activities=settings.max_activities
        )
        activities = {name: self._activity(one) for name, one in app.activities.items()}
        self._engine = Engine(
            self._hub,
            self._clock,
            self._protocol(known, options),
            {**activities, HTTP_ACTIVITY.lower(): call_http},
            entities={name: self._entity(one) for name, one in app.entities.items()},
            options=options,
        )
        self._timers = Timers(app.timers, self._invoker, self._hub, self._clock)
        self._queues = Queues(app.queues, self._invoker, settings.queues)
        receipts = self._data_dir / "hub" / "blobs.db"
        self._blobs = Blobs(app.blobs, self._invoker, settings.blobs, receipts)
        self._pubsub = PubSub()
        self._stack.callback(self._pubsub.close)
        self._front.use(Router(self._routes()), self._pubsub.connect)

    async def _warm_up(self) -> None:
        """Run warm-up functions before any work; Azure only logs when one of them fails."""
        for function in self.app.warm_ups:
            try:
                await self._invoker.call(function, {})
            except Exception as error:
                raise BadApp(f"warm-up function {function.name!r} failed: {error}") from error

    def _protocol(self, known: Known, options: Options) -> WorkerProtocol:
        plain = JsonV1({name: one.call for name, one in self.app.orchestrators.items()}, known)
        return strict.Strict(plain, options.limits.warn_events) if self._strict else plain

    def _entity(self, function: Function) -> EntityFunction:
        async def run(context: str) -> str:
            return str(await self._invoker.call(function, context))

        return run

    def _activity(self, function: Function) -> Activity:
        async def run(task: Task) -> str:
            await self._front.lull(_COURTESY_SECONDS)
            return await self._invoker.activity(function, task.input_text)

        return run

    def _routes(self) -> list[Route[Endpoint]]:
        app, settings, guard = self.app, self.settings, self._guard
        api = DurableApi(
            self._engine,
            self._clock,
            self._links,
            orchestrators={name: one.name for name, one in app.orchestrators.items()},
            entities=frozenset(app.entities),
            default_version=settings.default_version,
        )
        admin = AdminApi(app, self._runners(), self.url, settings.route_prefix)
        window = Window(self._hub, WEBHOOKS)
        functions = function_routes(
            app.http, self._invoker, settings.route_prefix, settings.custom_headers
        )
        return [
            *(guard.protect(route, f.auth_level, f.function.name) for f, route in functions),
            *(guard.protect(route, "system") for route in api.routes(WEBHOOKS)),
            *(guard.protect(route, "admin") for route in admin.routes()),
            *(guard.protect(route, "admin") for route in window.data_routes()),
            *window.page_routes(),
            *api.routes(RPC),
            *self._pubsub.routes(),
            Route(Template("api/health"), frozenset({"GET"}), self._health),
        ]

    async def _health(self, _request: Request, _parameters: dict[str, str]) -> Response:
        """Answer for an app that has no health route of its own."""
        if not self._hub.available:
            try:
                await self._hub.probe()
            except (HubUnavailable, HubBroken):
                return JSONResponse({"status": "the task hub cannot be written"}, 503)
        return JSONResponse({"status": "ok"})

    def _runners(self) -> dict[str, Runner]:
        runners: dict[str, Runner] = {}

        async def run_timer(name: str, _text: str | None) -> None:
            await self._timers.trigger(name)

        async def run_activity(function: Function, text: str | None) -> None:
            await self._invoker.activity(function, text)

        async def run_orchestrator(name: str, text: str | None) -> None:
            # Encoded twice, as the client does: get_input() decodes a string.
            input_text = None if text is None else json.dumps(text)
            await self._engine.create(name, input_text=input_text)

        for timer in self.app.timers:
            runners[timer.function.name] = partial(run_timer, timer.function.name)
        for function in self.app.activities.values():
            runners[function.name] = partial(run_activity, function)
        for function in self.app.orchestrators.values():
            runners[function.name] = partial(run_orchestrator, function.name)
        return runners

    async def _requests_end(self, timeout_seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._front.idle()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the host: uvicorn must not stop before the work has ended."""
        yield


def check_bind(address: str, *, auth: bool) -> None:
    """Refuse to be reachable from other machines without keys.

    Raises:
        BadSettings: ``address`` is not loopback and ``auth`` is off.
    """
    if auth or address == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise BadSettings(
            f"--host {address} is reachable from other machines: add --auth, or listen on 127.0.0.1"
        )


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens on ``port``; 0 picks a free one.

    Raises:
        OSError: the port is taken or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off for each connection.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.strip("[]"), port))
        listener.listen(2048)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{address}:{port}: {os.strerror(error.errno or 0)}") from error
    return listener


def _authority(address: str, port: int) -> str:
    name = address.strip("[]")
    if name in ("0.0.0.0", "::"):
        name = "127.0.0.1" if name == "0.0.0.0" else "::1"
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _allowed_hosts(address: str) -> frozenset[str]:
    """Return allowed Host headers; none means all, for a host on every interface."""
    name = address.strip("[]").lower()
    if name in ("0.0.0.0", "::"):
        return frozenset()
    return _LOOPBACK_NAMES | {f"[{name}]" if ":" in name else name}
