"""The host as a whole, in this process: environment, admin API, HTTP activities, order."""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.clock import ManualClock
from localhost.durable.events import Status
from localhost.host import Host
from localhost.lock import Locked
from localhost.ncrontab import BadSchedule

CALLS: list[Any] = []


def make_app() -> df.DFApp:
    """Return an app with one function of each kind."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route(route="teapot", methods=["GET", "POST"])
    def teapot(req: func.HttpRequest) -> func.HttpResponse:
        status = int(req.params.get("status", "200"))
        headers = {"Location": "/elsewhere"} if status == 202 else {}
        return func.HttpResponse(f"tea {req.method}", status_code=status, headers=headers)

    @app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
    def nightly(timer: func.TimerRequest) -> None:
        CALLS.append(("nightly", timer.past_due))

    @app.activity_trigger(input_name="value")
    def note(value: object) -> object:
        CALLS.append(("note", value))
        return value

    @app.orchestration_trigger(context_name="context")
    def it(context: Any) -> Any:
        return (yield context.call_activity("note", context.get_input()))

    @app.orchestration_trigger(context_name="context")
    def caller(context: Any) -> Any:
        answer = yield context.call_http("POST", context.get_input(), {"a": 1}, {"X-A": "b"})
        return [answer["statusCode"], answer["content"]]

    @app.orchestration_trigger(context_name="context")
    def sleeper(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=3))
        return "awake"

    return app


@pytest.fixture(autouse=True)
def no_calls() -> None:
    """Forget earlier calls."""
    CALLS.clear()


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host that runs the app above."""
    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data") as host:
        yield host


@pytest.fixture
async def http(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with httpx.AsyncClient(base_url=host.url) as client:
        yield client


def files(folder: Path) -> list[str]:
    """Return all files below ``folder``."""
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]


async def until_called(count: int = 1) -> None:
    """Wait until functions were called so often."""
    async with asyncio.timeout(10):
        while len(CALLS) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_the_app_sees_its_environment_while_it_runs(tmp_path: Path) -> None:
    """WEBSITE_HOSTNAME and LOCAL_DATA_DIR, and Values; afterwards all is as before."""
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": {"FROM_FILE": "1"}}))
    before = dict(os.environ)
    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data") as host:
        assert f"http://{os.environ['WEBSITE_HOSTNAME']}" == host.url
        assert os.environ["LOCAL_DATA_DIR"] == str(tmp_path / "data")
        assert os.environ["FROM_FILE"] == "1"

    assert dict(os.environ) == before


async def test_all_state_is_below_the_data_folder(tmp_path: Path) -> None:
    """The hub, and after a stop one whole file without a log."""
    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data") as host:
        await host.engine.finished(await host.engine.create("it"))

    assert sorted(files(tmp_path)) == ["data/host.lock", "data/hub/hub.db"]


async def test_two_hosts_cannot_share_a_folder(host: Host, tmp_path: Path) -> None:
    """The second one refuses; the first one is not disturbed."""
    with pytest.raises(Locked, match=f"in use by process {os.getpid()}"):
        async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data"):
            pass

    assert await host.engine.finished(await host.engine.create("it")) is Status.COMPLETED


async def test_a_failed_start_leaves_nothing_open(tmp_path: Path) -> None:
    """The folder and the port are free again for the next try."""
    app = df.DFApp()

    @app.timer_trigger(arg_name="timer", schedule="rubbish")
    def bad(timer: func.TimerRequest) -> None:
        """Never run."""

    first = Host(app=app, app_dir=tmp_path, data_dir=tmp_path / "data")
    with pytest.raises(BadSchedule):
        await first.__aenter__()
    port = int(first.url.rpartition(":")[2])

    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data", port=port):
        pass


async def test_days_pass_at_once_on_a_manual_clock(tmp_path: Path) -> None:
    """Orchestration timers and timer triggers follow the same clock."""
    clock = ManualClock()
    async with Host(
        app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data", clock=clock
    ) as host:
        instance_id = await host.engine.create("sleeper")
        async with asyncio.timeout(10):
            while len(host.hub.history(instance_id)) == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        clock.advance(timedelta(days=3))

        assert await host.engine.finished(instance_id) is Status.COMPLETED
        await until_called()
        assert CALLS == [("nightly", False)]


@pytest.mark.parametrize(
    ("name", "body", "call"),
    [
        ("nightly", {}, ("nightly", False)),
        ("NOTE", {"input": '{"a": 1}'}, ("note", {"a": 1})),
        ("note", {"input": {"a": 1}}, ("note", {"a": 1})),
        ("it", {"input": json.dumps("x")}, ("note", "x")),
    ],
)
async def test_any_function_can_be_run_now(
    http: httpx.AsyncClient, name: str, body: object, call: object
) -> None:
    """Timer, activity, orchestrator: 202, and it runs."""
    answer = await http.post(f"/admin/functions/{name}", json=body)
    await until_called()

    assert answer.status_code == 202
    assert [call] == CALLS


async def test_what_cannot_be_run_now(http: httpx.AsyncClient) -> None:
    """HTTP functions and unknown ones are 404, rubbish is 400."""
    assert (await http.post("/admin/functions/teapot", json={})).status_code == 404
    assert (await http.post("/admin/functions/nobody", json={})).status_code == 404
    assert (await http.post("/admin/functions/note", content=b"{")).status_code == 400


async def test_the_admin_api_tells_what_there_is(host: Host, http: httpx.AsyncClient) -> None:
    """Functions with routes and schedules, and the host's state."""
    functions = {one["name"]: one for one in (await http.get("/admin/functions")).json()}

    assert functions["teapot"]["invoke_url_template"] == f"{host.url}/api/teapot"
    assert functions["nightly"]["schedule"] == "0 0 3 * * *"
    assert functions["it"]["type"] == "orchestrationTrigger"
    assert (await http.get("/admin/functions/note")).json()["type"] == "activityTrigger"
    assert (await http.get("/admin/functions/nobody")).status_code == 404
    assert (await http.get("/admin/host/status")).json()["state"] == "Running"
    assert (await http.post("/admin/host/ping")).status_code == 200


async def test_call_http_really_calls(host: Host) -> None:
    """Method, status and content come back; 202 is refused."""

    async def called(status: int) -> Any:
        url = f"{host.url}/api/teapot?status={status}"
        instance_id = await host.engine.create("caller", input_text=json.dumps(json.dumps(url)))
        await host.engine.finished(instance_id)
        row = host.hub.instance(instance_id)
        assert row is not None
        return row.output

    assert json.loads(await called(418)) == [418, "tea POST"]
    assert "durable-python#380" in await called(202)


async def test_the_rpc_api_is_for_this_machine_only(
    host: Host, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other machines see nothing there, keys or not."""
    assert (await http.get("/durabletask/instances")).status_code == 200
    monkeypatch.setattr("localhost.front.is_loopback", lambda _request: False)

    assert (await http.get("/durabletask/instances")).status_code == 404
    assert (await http.get("/durabletask/../DurableTask/instances")).status_code == 404
    assert host.url


async def test_a_hub_that_dies_ends_the_host(host: Host, http: httpx.AsyncClient) -> None:
    """Everyone gets 503, and whoever runs the host hears why."""

    def break_it(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM no_such_table")

    await asyncio.gather(host.hub.writer.submit(break_it), return_exceptions=True)

    error = await asyncio.wait_for(host.broken(), 5)
    assert "no such table" in str(error)
    assert (await http.get("/api/teapot")).status_code == 503


async def test_ipv6_loopback(tmp_path: Path) -> None:
    """The address in brackets, in URL and Host header."""
    app_dir, data_dir = tmp_path, tmp_path / "data"
    host = Host(app=make_app(), app_dir=app_dir, data_dir=data_dir, bind="::1")
    try:
        await host.__aenter__()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with httpx.AsyncClient(base_url=host.url) as http:
        assert host.url.startswith("http://[::1]:")
        assert (await http.get("/api/teapot")).status_code == 200
    await host.stop()
