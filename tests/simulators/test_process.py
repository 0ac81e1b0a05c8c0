"""``python -m simulators`` as a program."""

import ast
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from simulators.client import ROOT, AdfSimulator, SimulatorError
from simulators.registry import SIMULATORS
from tests.support.simulators import wait_until

CREATE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataFactory/factories/f"
    "/pipelines/p/createRun?api-version=2018-06-01"
)


@contextmanager
def running(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the program until it listens; give the process and the first URL."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith("Listening on "))
            yield process, line.split()[-1]
        finally:
            process.kill()


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the program to its end."""
    return subprocess.run(
        [sys.executable, "-m", "simulators", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_explains_itself() -> None:
    """The help names the simulators, the options and how to script a failure."""
    told = run("--help")

    assert told.returncode == 0
    for word in ("adf", "--port", "--clock", "curl", "/_sim/faults", "lose_answer_504"):
        assert word in told.stdout


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_at_once(sign: signal.Signals) -> None:
    """Even while a call is held, stopping takes less than two seconds and says nothing."""
    with running("adf") as (process, url):
        httpx.post(f"{url}/_sim/adf/pipelines", json={"name": "p"})
        order = {"action": "createRun", "fault": "hold", "seconds": 300}
        httpx.post(f"{url}/_sim/faults", json=order)
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as peer:
            peer.sendall(f"POST {CREATE} HTTP/1.1\r\nHost: s\r\n\r\n".encode())
            wait_until(lambda: httpx.get(f"{url}/_sim/health").json()["in_flight"] == 1)
            began = time.monotonic()
            process.send_signal(sign)
            status = process.wait(10)

        assert status == 0
        assert time.monotonic() - began < 2
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_does_not_outlive_whoever_started_it() -> None:
    """With --stop-with-stdin the end of the parent is the end of the simulator."""
    with running("adf", "--stop-with-stdin") as (process, _):
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(10) == 0


def test_the_port_may_be_chosen_and_a_taken_one_is_refused() -> None:
    """A second one on the same port ends with status 2 and names the port."""
    with running("adf", "--port", "0") as (_, url):
        port = url.rsplit(":", 1)[1]
        refused = run("adf", "--port", port)

    assert refused.returncode == 2
    assert port in refused.stderr
    with running("adf", "--port", port) as (_, again):
        assert again == url


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--host", "0.0.0.0"], "loopback", id="not loopback"),
        pytest.param(["--host", "example.org"], "loopback", id="a name"),
        pytest.param(["snowflake"], "snowflake", id="unknown simulator"),
        pytest.param(["--port", "70000"], "65535", id="no port"),
        pytest.param(["--clock", "wrong"], "manual", id="unknown clock"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], complaint: str) -> None:
    """Status 2 and one line that says what may be given."""
    refused = run(*arguments)

    assert refused.returncode == 2
    assert complaint in refused.stderr


def test_the_client_says_why_a_simulator_did_not_start() -> None:
    """What the program wrote to standard error is in the message."""
    with AdfSimulator.start() as first:
        port = int(first.url.rsplit(":", 1)[1])

        with pytest.raises(SimulatorError, match=str(port)):
            AdfSimulator.start(port=port)


def test_a_running_simulator_can_be_attached_to(adf: AdfSimulator) -> None:
    """Stopping an attached client leaves the simulator running."""
    with AdfSimulator.attach(adf.url) as second:
        second.script("p")

    assert adf.seed_run("p").pipeline == "p"


def test_every_simulator_on_disk_is_registered_and_documented() -> None:
    """A folder with an app.py is in the registry and has a README."""
    on_disk = {path.parent.name for path in (ROOT / "simulators").glob("*/app.py")}

    assert on_disk == {name.replace("-", "_") for name in SIMULATORS}
    for name in on_disk:
        assert (ROOT / "simulators" / name / "README.md").is_file()


def test_the_client_needs_nothing_but_httpx() -> None:
    """A demo that scripts simulators does not load what serves them."""
    heavy = "{'starlette', 'uvicorn', 'pydantic'}"
    code = f"import simulators.client, sys; sys.exit(len({heavy} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_kit_knows_no_simulator() -> None:
    """What all share depends on none of them, and no simulator on the product."""
    product = {"shared", "triggers", "orchestrators", "activities", "localhost"}
    for path in (ROOT / "simulators").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        } | {
            name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for name in node.names
        }

        assert product.isdisjoint(name.split(".")[0] for name in imported), path
        if path.parent.name == "kit":
            others = {name for name in imported if name.startswith("simulators.")}
            assert {name for name in others if not name.startswith("simulators.kit.")} == set(), (
                path
            )
