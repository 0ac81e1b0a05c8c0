"""``python -m localhost`` as a process: what it says, and how it ends."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.process import PATIENCE_SECONDS, ROOT, HostProcess

APP = """
import asyncio, os, time
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello/{name}", methods=["GET"])
def hello(req: func.HttpRequest) -> str:
    return os.environ["WEBSITE_HOSTNAME"]

@app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
def nightly(timer: func.TimerRequest) -> None:
    pass

@app.orchestration_trigger(context_name="context")
def it(context):
    return (yield context.call_activity("slow", None))

@app.activity_trigger(input_name="nothing")
def slow(nothing: object) -> str:
    with open(os.environ["LOCAL_DATA_DIR"] + "/starts", "a") as file:
        file.write("x")
    time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))
    return "done"
"""

API = "/runtime/webhooks/durabletask"

Start = Callable[..., HostProcess]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the app above."""
    (tmp_path / "function_app.py").write_text(APP)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start hosts of that app on one data folder; none outlives the test."""
    started: list[HostProcess] = []

    def begin(*more: str) -> HostProcess:
        log = folder / f"host-{len(started)}.log"
        host = HostProcess(folder / "data", log, *more, app=folder)
        started.append(host)
        return host

    yield begin
    for host in started:
        if host.process.poll() is None:
            host.kill()


def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def starts(folder: Path) -> int:
    """Return how often the slow activity was started."""
    path = folder / "data" / "starts"
    return len(path.read_text()) if path.exists() else 0


def test_it_lists_its_functions_and_stops_in_order(start: Start) -> None:
    """Banner, address, answers, and exit code 0 within ten seconds."""
    host = start()
    url = host.url()
    answer = httpx.get(f"{url}/api/hello/x")
    code, seconds = host.stop()

    assert f"http://{answer.text}" == url
    assert f"hello    [GET] {url}/api/hello/{{name}}" in host.output
    assert "nightly  timer 0 0 3 * * *" in host.output
    assert "it       orchestrator" in host.output
    assert "slow     activity" in host.output
    assert (code, seconds < 10) == (0, True)


def test_ctrl_c_stops_it_too(start: Start) -> None:
    """SIGINT."""
    host = start()
    host.url()

    assert host.stop(signal.SIGINT)[0] == 0


def test_a_second_host_on_the_same_folder_refuses(start: Start) -> None:
    """Exit code 2, one line, and the first one does not notice."""
    first = start()
    url = first.url()
    second = start()

    assert second.exit_code() == 2
    assert second.output.count("\n") == 1
    assert "is in use by process" in second.output
    assert httpx.get(f"{url}/api/health").json() == {"status": "ok"}


def test_an_activity_that_does_not_end_runs_again_next_time(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop waits for it for some seconds, no longer, and the next host starts it anew."""
    monkeypatch.setenv("SLOW_SECONDS", "600")
    host = start()
    httpx.post(f"{host.url()}{API}/orchestrators/it/one")
    until(lambda: starts(folder) == 1)
    code, seconds = host.stop()
    assert (code, seconds < 10) == (0, True)

    monkeypatch.setenv("SLOW_SECONDS", "0")
    host = start()
    url = f"{host.url()}{API}/instances/one"
    until(lambda: httpx.get(url).json()["runtimeStatus"] == "Completed")

    assert starts(folder) == 2
    assert httpx.get(url).json()["output"] == "done"


def test_a_dead_hub_ends_the_process(start: Start, folder: Path) -> None:
    """When its tables vanish the host cannot go on, and says so with its exit code."""
    host = start()
    url = host.url()
    connection = sqlite3.connect(folder / "data" / "hub" / "hub.db")
    connection.execute("DROP TABLE inbox")
    connection.commit()
    connection.close()
    answer = httpx.post(f"{url}{API}/orchestrators/it")

    assert answer.status_code == 503
    assert host.exit_code() == 1
    assert "the task hub is broken" in host.output


def test_a_port_in_use_is_exit_code_2(start: Start) -> None:
    """With the address in one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host = start("--port", str(taken.getsockname()[1]))

        assert host.exit_code() == 2
        assert f"127.0.0.1:{taken.getsockname()[1]}" in host.output
        assert host.output.count("\n") == 1


@pytest.mark.parametrize(
    ("files", "arguments", "code", "words"),
    [
        pytest.param({}, ["--host", "0.0.0.0"], 2, "add --auth", id="reachable without keys"),
        pytest.param({}, ["--port", "x"], 2, "is no port", id="no port"),
        pytest.param({"host.json": "{"}, [], 2, "host.json", id="broken host.json"),
        pytest.param(
            {"local.settings.json": '{"IsEncrypted": true}'}, [], 2, "encrypted", id="encrypted"
        ),
        pytest.param({"function_app.py": "x = 1"}, [], 1, "exactly one app object", id="no app"),
        pytest.param({"function_app.py": "import sys; sys.exit(0)"}, [], 1, "sys.exit", id="exit"),
        pytest.param(
            {"function_app.py": APP.replace("0 0 3 * * *", "%WHEN%")},
            [],
            2,
            "needs the setting WHEN",
            id="missing setting",
        ),
        pytest.param(
            {"function_app.py": APP.replace("0 0 3 * * *", "soon")},
            [],
            1,
            "timer 'nightly'",
            id="bad schedule",
        ),
        pytest.param(
            {"function_app.py": APP.replace("{name}", "{name:nope}")},
            [],
            1,
            "function 'hello'",
            id="bad route",
        ),
        pytest.param({"data/hub/hub.db": "rubbish " * 200}, [], 2, "Move the file away", id="hub"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    start: Start, folder: Path, files: dict[str, str], arguments: list[str], code: int, words: str
) -> None:
    """No traceback for mistakes of the person who starts it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    host = start(*arguments)

    assert host.exit_code() == code
    assert words in host.output
    assert "Traceback" not in host.output


@pytest.mark.parametrize(
    "text", ["import nothing_of_that_name", "def f(:", "1 / 0", "open('/no/file')"]
)
def test_an_app_that_cannot_be_imported_shows_its_own_traceback(
    start: Start, folder: Path, text: str
) -> None:
    """Exit code 1, and not a frame of this host's."""
    (folder / "function_app.py").write_text(f"\n\n{text}\n")
    host = start()

    assert host.exit_code() == 1
    assert 'function_app.py", line 3' in host.output
    assert "asyncio" not in host.output
    assert host.output.endswith("localhost: the app could not be started\n")


def test_help_explains_itself() -> None:
    """With examples and the exit codes' neighbours: environment and signals."""
    done = subprocess.run(
        [sys.executable, "-m", "localhost", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"},
    )

    for word in ("examples:", "--port", "--auth", "--strict", "LOCAL_DATA_DIR", "SIGTERM"):
        assert word in done.stdout
