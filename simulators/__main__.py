"""``python -m simulators``: run stand-ins for outside services on loopback."""

import argparse
import asyncio
import ipaddress
import socket
import sys

from simulators.kit.clock import ManualClock, SystemClock
from simulators.kit.serving import Simulator, Surroundings, bind, serve
from simulators.registry import SIMULATORS

_EPILOG = """\
Each simulator listens on its own port and is scripted on that port, under /_sim. The next
two runs of a pipeline fail and succeed, and the first answer to createRun gets lost:

  python -m simulators adf --port 8700
  curl -s -X POST http://127.0.0.1:8700/_sim/adf/pipelines -d '{"name": "load_orders", "runs": [
    {"status": "Failed", "seconds": 2, "failed_activity": "Copy orders",
     "error": {"errorCode": "2200", "message": "SqlErrorNumber=40613", "failureType": "UserError"}},
    {"status": "Succeeded", "seconds": 2}]}'
  curl -s -X POST http://127.0.0.1:8700/_sim/faults \\
    -d '{"action": "createRun", "fault": "lose_answer_504", "times": 1}'
  curl -s 'http://127.0.0.1:8700/_sim/ledger?action=createRun'

What can be scripted and what is true to life: simulators/adf/README.md.
The lines "Listening on NAME URL" on standard output are for programs.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the simulators named on the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    names = options.simulators or list(SIMULATORS)
    try:
        listeners = [
            bind(options.host, options.port + number if options.port else 0)
            for number in range(len(names))
        ]
    except OSError as error:
        print(f"--port {options.port}: {error.strerror}", file=sys.stderr)
        return 2
    simulators = [SIMULATORS[name](_surroundings(options)) for name in names]
    asyncio.run(_serve(list(zip(simulators, listeners, strict=True)), options.stop_with_stdin))
    return 0


def _surroundings(options: argparse.Namespace) -> Surroundings:
    system = SystemClock()
    return Surroundings(ManualClock(system) if options.clock == "manual" else system, options.token)


async def _serve(simulators: list[tuple[Simulator, socket.socket]], stop_with_stdin: bool) -> None:
    until = asyncio.Event()
    if stop_with_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin, until.set)
    await serve(simulators, _announce, until=until)


def _announce(simulator: Simulator, url: str) -> None:
    print(f"{simulator.title} stands in at {url}, scripted under {url}/_sim (see --help)")
    print(f"Listening on {simulator.name} {url}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators",
        description="Stand-ins for outside services, with their real wire format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "simulators",
        nargs="*",
        metavar="NAME",
        type=_known,
        help=f"which to run, of: {', '.join(SIMULATORS)}; all if none is named",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="port of the first one, the others follow; 0 (default) takes free ports",
    )
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="loopback only")
    parser.add_argument("--token", help="bearer token that callers of the services must show")
    parser.add_argument(
        "--clock",
        choices=["system", "manual"],
        default="system",
        help="manual: time stands still until POST /_sim/clock/advance",
    )
    parser.add_argument(
        "--stop-with-stdin",
        action="store_true",
        help="stop when standard input closes, so as not to outlive the program that started it",
    )
    return parser


def _known(name: str) -> str:
    if name not in SIMULATORS:
        raise argparse.ArgumentTypeError(f"no simulator {name!r}; there is {', '.join(SIMULATORS)}")
    return name


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return int(text)


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address")
    return address


if __name__ == "__main__":
    sys.exit(main())
