"""HTTP round trips of an empty function, beside the web server without our host."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figure import Figure, ratios
from bench.host_process import HostProcess
from bench.http_load import Load, Request, send
from bench.setting import APP, ROOT, Setting

_CONNECTIONS = 16
_REQUEST = Request("GET", "/api/empty")
_OK = 200


def run(setting: Setting) -> Iterator[Figure]:
    """Measure one connection and many, host and bare server turn by turn."""
    alone, many = setting.either(200, 1_000), setting.either(800, 4_000)
    loads: dict[str, list[Load]] = {"alone": [], "many": [], "bare": []}
    folder = setting.make_folder("host")
    with HostProcess(APP, folder / "data") as host, _bare_server() as bare_url:
        for url in (host.url, bare_url):
            send(url, [_REQUEST] * (many // 4), _CONNECTIONS).expect(_OK)
        for repetition in range(setting.either(3, 5)):
            loads["alone"].append(send(host.url, [_REQUEST] * alone, 1).expect(_OK))
            loads["many"].append(send(host.url, [_REQUEST] * many, _CONNECTIONS).expect(_OK))
            loads["bare"].append(send(bare_url, [_REQUEST] * many, _CONNECTIONS).expect(_OK))
            setting.say(f"{repetition + 1}: {loads['many'][-1].per_second:.0f} per second")
    rates = {name: [load.per_second for load in found] for name, found in loads.items()}
    about = f"an empty function, {_CONNECTIONS} connections; client and host share the cores"
    yield Figure("http.round_trips", "1/s", rates["many"], about)
    yield from _latencies("http", loads["many"], about)
    yield Figure("http.round_trips_alone", "1/s", rates["alone"], "an empty function, 1 connection")
    yield from _latencies("http_alone", loads["alone"], "an empty function, 1 connection")
    yield Figure("http.bare_server", "1/s", rates["bare"], "uvicorn alone, same client")
    share = ratios(rates["many"], rates["bare"])
    yield Figure("http.share_of_bare_server", "share", share, "host over uvicorn alone")


def _latencies(name: str, loads: list[Load], about: str) -> Iterator[Figure]:
    for percent in (50, 99):
        values = [load.percentile_ms(percent) for load in loads]
        yield Figure(f"{name}.p{percent}", "ms", values, about)


@contextmanager
def _bare_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.bare_server", str(port)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            _await_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the bare server did not start")
