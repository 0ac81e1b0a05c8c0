"""``python -m localhost``: run an Azure Functions app on this machine."""

import argparse
import logging
import os
import sys
from pathlib import Path

from localhost.settings import BadSettings, read_host_settings

# The other exit codes are in localhost.command.
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
  LOCAL_PUBSUB_ENDPOINT   where to publish to open pages, as to Azure Web PubSub
  Values of local.settings.json, unless the environment has them already.

SIGTERM and Ctrl-C end running work first, then the host (under 10 s). After a crash,
start it again on the same data folder: everything goes on.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the host until it is told to stop; return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    if options.watch:
        from localhost.watch import watch

        rest = [one for one in given if one != "--watch"]
        return watch(["-m", "localhost", *rest], options.app, apart_from=options.data)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        # Before anything imports the SDK, which reads the file too and trips over mistakes in it.
        read_host_settings(options.app)
    except BadSettings as error:
        print(f"localhost: {error}", file=sys.stderr)
        return _CANNOT_START
    from localhost import command

    return command.run(
        app=options.app,
        data=options.data,
        bind=options.host,
        port=options.port,
        auth=options.auth,
        strict=options.strict,
        site=_site(options.site, options.app),
    )


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
    parser.add_argument(
        "--site",
        type=Path,
        metavar="FOLDER",
        help="built web pages to serve at / (default: dashboard/dist of the app, if it has one)",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="start again when a Python or JSON file of the app changes",
    )
    return parser


def _site(chosen: Path | None, app: Path) -> Path | None:
    """Return the folder of web pages; it need not be built yet."""
    usual = app / "dashboard" / "dist"
    return chosen or (usual if usual.parent.is_dir() else None)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return int(text)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that user code never left must not keep a stopped host alive.
    os._exit(code)
