"""The management API: by hand over HTTP, and through the real durable client."""

# Orchestrators and activities are written here as users write them.

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.durable.hub import Hub
from localhost.durable.writer import HubUnavailable
from localhost.host import Host

API = "/runtime/webhooks/durabletask"
RETRY = {"restarted": 0}


def make_app() -> df.DFApp:  # noqa: C901  many small functions
    """Return an app with the orchestrations of this file."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.orchestration_trigger(context_name="context")
    def square(context: Any) -> Any:
        context.set_custom_status({"squaring": context.get_input()})
        value = yield context.call_activity("multiply", context.get_input())
        return {"square": value}

    @app.orchestration_trigger(context_name="context")
    def listen(context: Any) -> Any:
        return (yield context.wait_for_external_event("E"))

    @app.orchestration_trigger(context_name="context")
    def fragile(context: Any) -> Any:
        before = yield context.call_activity("multiply", 3)
        after = yield context.call_activity("sometimes", context.get_input())
        return [before, after]

    @app.orchestration_trigger(context_name="context")
    def mother(context: Any) -> Any:
        return (yield context.call_sub_orchestrator("fragile", context.get_input(), "kid"))

    @app.orchestration_trigger(context_name="context")
    def versioned(context: Any) -> Any:
        return context.version
        yield

    @app.activity_trigger(input_name="value")
    def multiply(value: int) -> int:
        return value * value

    @app.activity_trigger(input_name="key")
    async def sometimes(key: str) -> str:
        RETRY[key] = RETRY.get(key, 0) + 1
        if RETRY[key] == 1:
            raise RuntimeError("not the first time")
        return f"attempt {RETRY[key]}"

    @app.entity_trigger(context_name="context")
    def counter(context: Any) -> None:
        total = context.get_state(lambda: 0)
        if context.operation_name == "add":
            context.set_state(total + context.get_input())
        elif context.operation_name == "delete":
            context.destruct_on_exit()

    @app.route(route="client/{call}", methods=["POST"])
    @app.durable_client_input(client_name="client")
    async def client(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> Any:
        CLIENTS.append(client)
        if req.route_params["call"] == "start":
            started = await client.start_new("square", "from-function", 4)
            return client.create_check_status_response(req, started)
        return func.HttpResponse("kept")

    return app


CLIENTS: list[df.DurableOrchestrationClient] = []


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host that runs the app above."""
    CLIENTS.clear()
    RETRY.clear()
    durable = {"hubName": "Shop", "defaultVersion": "7"}
    (tmp_path / "host.json").write_text(json.dumps({"extensions": {"durableTask": durable}}))
    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data") as host:
        yield host


@pytest.fixture
async def http(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with curl."""
    async with httpx.AsyncClient(base_url=host.url) as client:
        yield client


@pytest.fixture
async def client(http: httpx.AsyncClient) -> df.DurableOrchestrationClient:
    """The SDK's client, as a function gets it."""
    await http.post("/api/client/keep")
    return CLIENTS[0]


async def finished(host: Host, instance_id: str) -> None:
    """Wait for the end of an instance."""
    async with asyncio.timeout(20):
        await host.engine.finished(instance_id)


# -- by hand ---------------------------------------------------------------------------


async def test_start_answers_with_links_that_work(host: Host, http: httpx.AsyncClient) -> None:
    """202, Location, Retry-After 10, and a status at the end."""
    answer = await http.post(f"{API}/orchestrators/square/my%20id", json="4")
    links = answer.json()

    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["location"] == links["statusQueryGetUri"]
    assert links["id"] == "my id"
    assert "taskHub=Shop" in links["terminatePostUri"]
    await finished(host, "my id")
    status = await http.get(links["statusQueryGetUri"])
    assert status.status_code == 200
    assert status.json() | {"createdTime": "", "lastUpdatedTime": ""} == {
        "name": "square",
        "instanceId": "my id",
        "runtimeStatus": "Completed",
        "input": "4",
        "customStatus": {"squaring": 4},
        "output": {"square": 16},
        "createdTime": "",
        "lastUpdatedTime": "",
    }
    assert datetime.fromisoformat(status.json()["createdTime"]).tzinfo == UTC


async def test_a_running_instance_is_202(host: Host, http: httpx.AsyncClient) -> None:
    """With the URL to ask again and when."""
    await http.post(f"{API}/orchestrators/listen/one")
    answer = await http.get(f"{API}/instances/one?showInput=false")

    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["location"] == f"{host.url}{API}/instances/one?showInput=false"


async def test_unknown_instances_are_an_empty_404(http: httpx.AsyncClient) -> None:
    """For every operation."""
    for method, path in (
        ("GET", "nobody"),
        ("DELETE", "nobody"),
        ("POST", "nobody/terminate?reason=x"),
        ("POST", "nobody/suspend"),
        ("POST", "nobody/resume"),
        ("POST", "nobody/rewind"),
        ("POST", "nobody/raiseEvent/E"),
    ):
        answer = await http.request(method, f"{API}/instances/{path}")
        assert (answer.status_code, answer.content) == (404, b""), path


async def test_finished_instances_are_gone_for_commands(
    host: Host, http: httpx.AsyncClient
) -> None:
    """410."""
    await http.post(f"{API}/orchestrators/square/done", json="1")
    await finished(host, "done")
    for operation in ("terminate", "suspend", "resume", "rewind", "raiseEvent/E"):
        answer = await http.post(f"{API}/instances/done/{operation}", json={})
        assert answer.status_code == 410, operation


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("nobody", b"", "The function 'nobody' doesn't exist"),
        ("multiply", b"", "is not an orchestrator function"),
        ("square/@x", b"", "must not start with @"),
        ("square/a%5Cb", b"", "must not contain"),
        ("square/a%23b", b"", "must not contain"),
        ("square/" + "x" * 257, b"", "must not exceed 256 characters"),
        ("square", b"{", ""),
    ],
)
async def test_bad_starts_are_400(
    http: httpx.AsyncClient, path: str, body: bytes, words: str
) -> None:
    """With the extension's error body."""
    answer = await http.post(f"{API}/orchestrators/{path}", content=body)

    assert answer.status_code == 400
    assert set(answer.json()) == {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}
    assert words in answer.json()["ExceptionMessage"]


async def test_a_body_over_the_limit_is_413(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inputs and events are bounded like every request."""
    monkeypatch.setattr("localhost.http.MAX_BODY_BYTES", 100)

    answer = await http.post(f"{API}/orchestrators/square", content=b"1" * 101)

    assert answer.status_code == 413


async def test_a_running_id_is_500_with_the_extensions_words(http: httpx.AsyncClient) -> None:
    """InvalidOperationException."""
    await http.post(f"{API}/orchestrators/listen/one")
    answer = await http.post(f"{API}/orchestrators/listen/one")

    assert answer.status_code == 500
    assert answer.json()["ExceptionType"] == "System.InvalidOperationException"
    assert "An Orchestration instance with the status " in answer.json()["ExceptionMessage"]
    assert answer.json()["ExceptionMessage"].endswith(" already exists.")


async def test_a_start_may_wait_for_the_result(http: httpx.AsyncClient) -> None:
    """Timeout and pollingInterval: the output, or the usual 202."""
    query = "timeout=20&pollingInterval=1"
    done = await http.post(f"{API}/orchestrators/square?{query}", json="5")
    waiting = await http.post(f"{API}/orchestrators/listen?timeout=0.05&pollingInterval=0.01")

    assert (done.status_code, done.json()) == (200, {"square": 25})
    assert waiting.status_code == 202


async def test_a_failed_instance_is_200_unless_asked_otherwise(
    host: Host, http: httpx.AsyncClient
) -> None:
    """ReturnInternalServerErrorOnFailure."""
    await http.post(f"{API}/orchestrators/fragile/f", json='"key"')
    await finished(host, "f")
    plain = await http.get(f"{API}/instances/f")
    strict = await http.get(f"{API}/instances/f?returnInternalServerErrorOnFailure=True")

    assert (plain.status_code, plain.json()["runtimeStatus"]) == (200, "Failed")
    assert strict.status_code == 500


async def test_an_event_must_be_json(host: Host, http: httpx.AsyncClient) -> None:
    """Another media type, or broken JSON, is 400; good JSON arrives as it is."""
    await http.post(f"{API}/orchestrators/listen/one")
    url = f"{API}/instances/one/raiseEvent/E"
    text = await http.post(url, content=b"1", headers={"Content-Type": "text/plain"})
    broken = await http.post(url, content=b"{", headers={"Content-Type": "application/json"})
    good = await http.post(url, json={"n": 1})

    assert (text.status_code, broken.status_code, good.status_code) == (400, 400, 202)
    await finished(host, "one")
    assert (await http.get(f"{API}/instances/one")).json()["output"] == {"n": 1}


async def test_history_events_are_compacted(host: Host, http: httpx.AsyncClient) -> None:
    """Starts folded into completions, no ids, results only when asked for."""
    await http.post(f"{API}/orchestrators/square/one", json="3")
    await finished(host, "one")
    shown = await http.get(f"{API}/instances/one?showHistory=true&showHistoryOutput=true")
    without = await http.get(f"{API}/instances/one?showHistory=true&showInput=false")
    events = shown.json()["historyEvents"]

    assert [e["EventType"] for e in events] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert events[0]["FunctionName"] == "square"
    assert (events[1]["FunctionName"], events[1]["Result"]) == ("multiply", 9)
    assert "ScheduledTime" in events[1]
    assert (events[2]["OrchestrationStatus"], events[2]["Result"]) == ("Completed", {"square": 9})
    for one in events:
        assert not {"EventId", "IsPlayed", "TaskScheduledId", "Version"} & set(one)
    assert all("Result" not in e and "Input" not in e for e in without.json()["historyEvents"])


async def test_lists_come_in_pages(http: httpx.AsyncClient) -> None:
    """top, and the continuation token in a header both ways."""
    for number in range(5):
        await http.post(f"{API}/orchestrators/listen/page-{number}")
    await http.post(f"{API}/orchestrators/listen/other")
    seen: list[str] = []
    token = ""
    for _ in range(3):
        answer = await http.get(
            f"{API}/instances?instanceIdPrefix=page-&top=2",
            headers={"x-ms-continuation-token": token},
        )
        seen += [one["instanceId"] for one in answer.json()]
        token = answer.headers["x-ms-continuation-token"]

    assert seen == [f"page-{number}" for number in range(5)]
    assert token == ""


async def test_lists_are_filtered(host: Host, http: httpx.AsyncClient) -> None:
    """By status and by time of creation."""
    await http.post(f"{API}/orchestrators/listen/running")
    await http.post(f"{API}/orchestrators/square/done", json="1")
    await finished(host, "done")

    async def ids(query: str) -> list[str]:
        return [one["instanceId"] for one in (await http.get(f"{API}/instances/?{query}")).json()]

    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await ids("runtimeStatus=Completed,Failed") == ["done"]
    assert await ids("runtimeStatus=Completed&runtimeStatus=Running,Pending") == ["done", "running"]
    assert await ids(f"createdTimeFrom={future}") == []
    assert await ids(f"createdTimeTo={future}") == ["done", "running"]
    assert await ids("createdTimeFrom=rubbish") == ["done", "running"]


async def test_bulk_purge_needs_a_time_and_takes_finished_ones(
    host: Host, http: httpx.AsyncClient
) -> None:
    """400 without createdTimeFrom; running instances stay."""
    await http.post(f"{API}/orchestrators/listen/running")
    await http.post(f"{API}/orchestrators/square/done", json="1")
    await finished(host, "done")

    assert (await http.delete(f"{API}/instances")).status_code == 400
    url = f"{API}/instances?createdTimeFrom=2020-01-01T00:00:00Z"
    first, second = await http.delete(url), await http.delete(url)

    assert (first.status_code, first.json()) == (200, {"instancesDeleted": 1})
    assert second.status_code == 404
    assert host.hub.instance("running") is not None


async def test_a_hub_that_cannot_be_written_is_503(
    host: Host, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overload, not a lost start; health says so too, until writing works again."""

    async def full(*_: object) -> None:
        raise HubUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "create", full)
        patch.setattr(Hub, "probe", full)
        host.hub.writer.available = False
        start = await http.post(f"{API}/orchestrators/square/x", json="1")
        sick = await http.get("/api/health")
    healthy = await http.get("/api/health")

    assert (start.status_code, start.headers["retry-after"]) == (503, "5")
    assert (sick.status_code, healthy.status_code) == (503, 200)
    assert host.hub.available


# -- suspend, rewind, restart ----------------------------------------------------------


async def test_suspend_and_resume(host: Host, http: httpx.AsyncClient) -> None:
    """The status says Suspended; an event waits for the resume."""
    await http.post(f"{API}/orchestrators/listen/one")
    await http.post(f"{API}/instances/one/suspend?reason=pause")
    await http.post(f"{API}/instances/one/raiseEvent/E", json="x")
    async with asyncio.timeout(20):
        while host.hub.load("one", 2**62, with_history=False).messages:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    paused = (await http.get(f"{API}/instances/one")).json()["runtimeStatus"]
    await http.post(f"{API}/instances/one/resume?reason=go")
    await finished(host, "one")

    assert paused == "Suspended"
    assert (await http.get(f"{API}/instances/one")).json()["output"] == "x"


async def test_rewind_runs_failed_tasks_again_and_no_others(
    host: Host, http: httpx.AsyncClient
) -> None:
    """Also down in a sub-orchestration, whose parent then goes on."""
    await http.post(f"{API}/orchestrators/mother/m", json='"key"')
    await finished(host, "m")
    failed = (await http.get(f"{API}/instances/m")).json()
    assert failed["runtimeStatus"] == "Failed"

    answer = await http.post(f"{API}/instances/m/rewind?reason=again")
    assert answer.status_code == 202
    await finished(host, "m")
    rewound = (await http.get(f"{API}/instances/m")).json()

    assert (rewound["runtimeStatus"], rewound["output"]) == ("Completed", [9, "attempt 2"])
    assert RETRY["key"] == 2


async def test_only_failed_instances_are_rewound(http: httpx.AsyncClient) -> None:
    """A running one: the extension's exception."""
    await http.post(f"{API}/orchestrators/listen/one")
    answer = await http.post(f"{API}/instances/one/rewind")

    assert answer.status_code == 500
    assert "only supported on failed" in answer.json()["ExceptionMessage"]


async def test_restart_runs_the_same_input_again(host: Host, http: httpx.AsyncClient) -> None:
    """Under a new id, or the same one when it is finished."""
    await http.post(f"{API}/orchestrators/square/one", json="6")
    await finished(host, "one")
    other = (await http.post(f"{API}/instances/one/restart")).json()["id"]
    same = (await http.post(f"{API}/instances/one/restart?restartWithNewInstanceId=false")).json()
    await finished(host, other)
    await finished(host, "one")

    assert (other != "one", same["id"]) == (True, "one")
    assert (await http.get(f"{API}/instances/{other}")).json()["output"] == {"square": 36}
    assert (await http.post(f"{API}/instances/nobody/restart")).status_code == 400


# -- the real client -------------------------------------------------------------------


async def test_start_new_and_get_status(host: Host, client: df.DurableOrchestrationClient) -> None:
    """Input, status and output through the SDK."""
    instance_id = await client.start_new("square", None, 7)
    await finished(host, instance_id)
    status = await client.get_status(instance_id, show_history=True, show_input=True)

    assert len(instance_id) == 32
    assert status.runtime_status is df.OrchestrationRuntimeStatus.Completed
    assert (status.output, status.input_) == ({"square": 49}, "7")
    assert status.custom_status == {"squaring": 7}
    assert len(vars(status)["historyEvents"]) == 3
    assert not await client.get_status("nobody")


async def test_errors_of_the_client(client: df.DurableOrchestrationClient) -> None:
    """What the SDK makes of our answers."""
    with pytest.raises(Exception, match="The function 'nobody' doesn't exist"):
        await client.start_new("nobody")
    await client.start_new("listen", "one")
    with pytest.raises(Exception, match="already exists"):
        await client.start_new("listen", "one")
    with pytest.raises(Exception, match="No instance with ID missing found"):
        await client.raise_event("missing", "E")
    with pytest.raises(Exception, match="No instance with ID 'missing' found"):
        await client.terminate("missing", "why")


async def test_events_terminate_and_queries_of_the_client(
    host: Host, client: df.DurableOrchestrationClient
) -> None:
    """raise_event, suspend, resume, terminate, get_status_by, get_status_all."""
    for name in ("one", "two", "three"):
        await client.start_new("listen", name)
    await client.suspend("one", "pause & think")
    await client.resume("one", "go")
    await client.raise_event("one", "E", {"ok": 1})
    await client.terminate("two", "no more")
    await finished(host, "one")
    await finished(host, "two")

    assert (await client.get_status("one")).output == '{"ok": 1}'
    assert (await client.get_status("two")).output == "no more"
    running = await client.get_status_by(
        runtime_status=[
            df.OrchestrationRuntimeStatus.Running,
            df.OrchestrationRuntimeStatus.Pending,
        ],
        created_time_from=datetime(2020, 1, 1, tzinfo=UTC),
    )
    assert [one.instance_id for one in running] == ["three"]
    assert len(await client.get_status_all()) == 3
    await client.terminate("two", "again")  # gone, and the SDK takes that as done


async def test_purge_rewind_and_restart_of_the_client(
    host: Host, client: df.DurableOrchestrationClient
) -> None:
    """The rest of its methods."""
    await client.start_new("fragile", "f", "key")
    await finished(host, "f")
    await client.rewind("f", "again")
    await finished(host, "f")
    restarted = await client.restart("f", restart_with_new_instance_id=True)

    assert (await client.get_status("f")).output == [9, "attempt 2"]
    assert isinstance(restarted, dict)
    assert (await client.purge_instance_history("f")).instances_deleted == 1
    assert (await client.purge_instance_history("f")).instances_deleted == 0
    bulk = await client.purge_instance_history_by(datetime(2020, 1, 1, tzinfo=UTC))
    assert bulk.instances_deleted in (0, 1)


async def test_entities_through_the_client(
    host: Host, client: df.DurableOrchestrationClient
) -> None:
    """Signals arrive in order; state can be read; delete ends it."""
    entity = df.EntityId("counter", "k")
    for number in (1, 2, 3):
        await client.signal_entity(entity, "add", number)
    async with asyncio.timeout(20):
        while host.hub.entity_state("@counter@k") != "6":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    state = await client.read_entity_state(entity)
    assert (state.entity_exists, state.entity_state) == (True, 6)
    async with httpx.AsyncClient(base_url=host.url) as http:
        listed = await http.get(f"{API}/entities/counter?fetchState=true")
        assert listed.json()[0]["entityId"] == {"name": "counter", "key": "k"}
        assert listed.json()[0]["state"] == 6
        assert (await http.post(f"{API}/entities/nobody/k?op=x")).status_code == 400

    await client.signal_entity(entity, "delete")
    async with asyncio.timeout(20):
        while host.hub.entity_state("@counter@k") is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not (await client.read_entity_state(entity)).entity_exists


async def test_check_status_response_points_to_the_caller(
    host: Host, http: httpx.AsyncClient
) -> None:
    """create_check_status_response: 202 with links on the caller's address."""
    answer = await http.post("/api/client/start", headers={"Host": "localhost:1234"})

    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["location"].startswith(
        f"http://localhost:1234{API}/instances/from-function?"
    )
    await finished(host, "from-function")


async def test_versions(host: Host, client: df.DurableOrchestrationClient) -> None:
    """The default of host.json, unless start_new names another."""
    first = await client.start_new("versioned")
    second = await client.start_new("versioned", version="9")
    await finished(host, first)
    await finished(host, second)

    assert (await client.get_status(first)).output == "7"
    assert (await client.get_status(second)).output == "9"
