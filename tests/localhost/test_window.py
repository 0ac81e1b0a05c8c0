"""The page at /admin: what it shows, and that it shows text as text."""

import json
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.host import Host

HOSTILE = "<img src=x onerror=alert(1)>"


def an_app() -> df.DFApp:
    """Return an app with one orchestrator that waits and one that ends."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.orchestration_trigger(context_name="context")
    def waits(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
        context.set_custom_status({"text": HOSTILE})
        yield context.wait_for_external_event("go")
        return "done"

    @app.orchestration_trigger(context_name="context")
    def ends(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        result = yield context.call_activity("echo", context.get_input())
        return result

    @app.activity_trigger(input_name="value")
    def echo(value: str) -> str:
        return value

    return app


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """Yield a host with one waiting and one ended instance."""
    async with Host(app=an_app(), data_dir=tmp_path) as running:
        await running.engine.create("ends", "done 1", input_text=json.dumps('"x"'))
        await running.engine.finished("done 1")
        await running.engine.create("waits", "waiting-1")
        yield running


async def get(host: Host, path: str) -> httpx.Response:
    """Ask the host."""
    async with httpx.AsyncClient(base_url=host.url, trust_env=False) as http:
        return await http.get(path)


async def test_the_page_loads_nothing_from_elsewhere(host: Host) -> None:
    """A strict policy, and script and style from this host only."""
    page = await get(host, "/admin")

    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    for path in ("/admin/window.js", "/admin/window.css"):
        assert (await get(host, path)).status_code == 200


async def test_the_script_never_writes_markup(host: Host) -> None:
    """Names and payloads come from anywhere: they are only ever set as text."""
    script = (await get(host, "/admin/window.js")).text

    assert not [
        way for way in ("innerHTML", "outerHTML", "document.write", "eval(") if way in script
    ]


async def test_the_list_shows_what_is_open(host: Host) -> None:
    """Status, length of the history, open tasks and timers; filtered by status and text."""
    found = (await get(host, "/admin/durable/instances?status=Completed&text=DONE")).json()["items"]
    summary = (await get(host, "/admin/durable/summary")).json()

    assert [(one["id"], one["name"], one["open_tasks_count"]) for one in found] == [
        ("done 1", "ends", 0)
    ]
    assert found[0]["history_length"] > 5
    assert sum(summary["statuses"].values()) == 2
    assert summary["management"] == "/runtime/webhooks/durabletask"


async def test_one_instance_shows_its_history_readably(host: Host) -> None:
    """Each event by name, in order, with what it carries; an id may need quoting."""
    one = (await get(host, "/admin/durable/instances/done%201")).json()

    assert [event["seq"] for event in one["history"]] == sorted(
        event["seq"] for event in one["history"]
    )
    types = [event["type"] for event in one["history"]]
    assert {"ExecutionStarted", "TaskScheduled", "TaskCompleted"} <= set(types)
    assert (one["status"], one["output"]) == ("Completed", '"x"')
    assert (await get(host, "/admin/durable/instances/none")).status_code == 404


async def test_data_needs_the_master_key_when_keys_are_on(tmp_path: Path) -> None:
    """The empty page is for everybody, so that it can ask for the key; the data is not."""
    async with Host(app=an_app(), data_dir=tmp_path, auth=True) as guarded:
        assert (await get(guarded, "/admin")).status_code == 200
        for path in ("summary", "instances", "instances/x"):
            assert (await get(guarded, f"/admin/durable/{path}")).status_code == 401
