"""``python -m localhost``: run an Azure Functions app on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import sqlite3
import sys
import traceback
from pathlib import Path

from localhost.durable.schema import UnusableHub
from localhost.functions import App
from localhost.host import Host
from localhost.loader import BadApp
from localhost.lock import Locked
from localhost.ncrontab import BadSchedule
from localhost.routes import BadTemplate
from localhost.settings import BadSettings

# Exit codes: 1 the app is broken, 2 the host cannot start here.
_APP_BROKEN = 1
_CANNOT_START = 2

_DESCRIPTION = """\
Run an Azure Functions app (Python v2 model, Durable Functions 1.7) on this machine.
The app is imported unmodified; all state is kept in SQLite below the data folder.
"""

_EXAMPLES = """\
examples:
  python -m localhost                             the app in this folder, on port 7071
  python -m localhost --app ./shop --port 7072    another app, another port
  python -m localhost --port 0 --data /tmp/try    any free port; the port is printed
  curl -X POST http://127.0.0.1:7071/admin/functions/nightly -d '{}'
                                                  run the timer function `nightly` now

environment of the app:
  WEBSITE_HOSTNAME   host:port, as `func start` sets it
  LOCAL_DATA_DIR     the data folder, as an absolute path
  Values of local.settings.json, unless the environment has them already.

SIGTERM and Ctrl-C end running work first, then the host (under 10 s). After a crash,
start it again on the same data folder: everything goes on.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the host until it is told to stop; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    host = Host(
        app_dir=options.app,
        data_dir=options.data,
        bind=options.host,
        port=options.port,
        auth=options.auth,
        strict=options.strict,
    )
    try:
        return asyncio.run(_run(host))
    except (BadSettings, Locked, UnusableHub, OSError, sqlite3.Error) as error:
        print(f"localhost: {error}", file=sys.stderr)
        return _CANNOT_START
    except (BadApp, BadTemplate, BadSchedule) as error:
        print(f"localhost: {error}", file=sys.stderr)
        return _APP_BROKEN
    except Exception:  # noqa: BLE001  importing the app may raise anything
        traceback.print_exc()
        print("localhost: the app could not be started", file=sys.stderr)
        return _APP_BROKEN


async def _run(host: Host) -> int:
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
            return _APP_BROKEN
        broken.cancel()
        print("Stopping...", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localhost",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--app",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder with function_app.py and host.json (default: here)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: 127.0.0.1; others need --auth)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=7071,
        metavar="N",
        help="port; 0 picks a free one (default: 7071)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".data"),
        metavar="FOLDER",
        help="where all state is kept (default: .data)",
    )
    parser.add_argument(
        "--auth",
        action="store_true",
        help="ask for keys, as Azure does; they are in DATA/hub/keys.json",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="fail orchestrations that walk into a known trap of the 1.x SDK; replays twice",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return int(text)


def _print_banner(host: Host) -> None:
    print(f"\nFunctions:\n{_listing(host.app, host)}", flush=True)
    print(f"Listening on {host.url}", flush=True)


def _listing(app: App, host: Host) -> str:
    lines: list[str] = []
    width = max((len(name) for name in _names(app)), default=0)
    for one in app.http:
        methods = ",".join(sorted(one.methods)) or "any method"
        path = "/".join(p for p in (host.settings.route_prefix, one.route.lstrip("/")) if p)
        lines.append(f"  {one.function.name:<{width}}  [{methods}] {host.url}/{path}")
    lines += [f"  {one.function.name:<{width}}  timer {one.schedule}" for one in app.timers]
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
    for functions in (app.orchestrators, app.activities, app.entities):
        names += [one.name for one in functions.values()]
    return names + [name for name, _ in app.skipped]


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that user code never left must not keep a stopped host alive.
    os._exit(code)
