"""Runs a host in the foreground: signals, banner, and what went wrong in one line."""

import asyncio
import signal
import sqlite3
import sys
import traceback
from pathlib import Path

from localhost.durable.schema import UnusableHub
from localhost.functions import App
from localhost.host import Host
from localhost.loader import BadApp, ImportFailed
from localhost.lock import Locked
from localhost.ncrontab import BadSchedule
from localhost.routes import BadTemplate
from localhost.settings import BadSettings

# Exit codes: the app is wrong or the hub died; the host cannot start here.
BROKEN = 1
CANNOT_START = 2


def run(  # noqa: PLR0913  all by name
    *, app: Path, data: Path, bind: str, port: int, auth: bool, strict: bool, site: Path | None
) -> int:
    """Run until SIGTERM, SIGINT or the end of the hub; return the exit code."""
    host = Host(
        app_dir=app, data_dir=data, bind=bind, port=port, auth=auth, strict=strict, site=site
    )
    try:
        return asyncio.run(_serve(host))
    except (BadSettings, Locked, UnusableHub, OSError, sqlite3.Error) as error:
        print(f"localhost: {error}", file=sys.stderr)
        return CANNOT_START
    except (BadApp, BadTemplate, BadSchedule) as error:
        print(f"localhost: {error}", file=sys.stderr)
        return BROKEN
    except ImportFailed as error:
        _print_trace(error.__cause__ or error, app.resolve())
        print("localhost: the app could not be started", file=sys.stderr)
        return BROKEN


async def _serve(host: Host) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with host:
        _print_banner(host)
        stopped, broken = asyncio.create_task(stop.wait()), asyncio.create_task(host.broken())
        await asyncio.wait([stopped, broken], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if broken.done():
            print(f"localhost: the task hub is broken: {broken.result()}", file=sys.stderr)
            return BROKEN
        broken.cancel()
        print("Stopping...", flush=True)
    return 0


def _print_trace(error: BaseException, folder: Path) -> None:
    """Print where ``error`` came from, beginning in the app rather than in this host."""
    trace = error.__traceback__
    while trace and not Path(trace.tb_frame.f_code.co_filename).is_relative_to(folder):
        trace = trace.tb_next
    if trace is None and not isinstance(error, SyntaxError):
        trace = error.__traceback__
    traceback.print_exception(type(error), error, trace)


def _print_banner(host: Host) -> None:
    print(f"\nFunctions:\n{_listing(host.app, host)}", flush=True)
    print(f"{host.keys_notice}\nListening on {host.url}", flush=True)


def _listing(app: App, host: Host) -> str:
    lines: list[str] = []
    width = max((len(name) for name in _names(app)), default=0)
    for one in app.http:
        methods = ",".join(sorted(one.methods)) or "any method"
        path = "/".join(p for p in (host.settings.route_prefix, one.route.lstrip("/")) if p)
        lines.append(f"  {one.function.name:<{width}}  [{methods}] {host.url}/{path}")
    lines += [f"  {one.function.name:<{width}}  timer {one.schedule}" for one in app.timers]
    lines += [f"  {one.function.name:<{width}}  queue {one.queue}" for one in app.queues]
    lines += [f"  {one.function.name:<{width}}  blob {one.path}" for one in app.blobs]
    for kind, functions in (
        ("orchestrator", app.orchestrators),
        ("activity", app.activities),
        ("entity", app.entities),
    ):
        lines += [f"  {one.name:<{width}}  {kind}" for one in functions.values()]
    lines += [f"  {name:<{width}}  left out: {reason}" for name, reason in app.skipped]
    return "\n".join(lines) + "\n"


def _names(app: App) -> list[str]:
    names = [one.function.name for one in app.http]
    names += [one.function.name for one in app.timers]
    names += [one.function.name for one in app.queues]
    names += [one.function.name for one in app.blobs]
    for functions in (app.orchestrators, app.activities, app.entities):
        names += [one.name for one in functions.values()]
    return names + [name for name, _ in app.skipped]
