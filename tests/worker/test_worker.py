"""The app in the worker that Azure Functions runs: what it refuses has to fail here first."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-worker" / "bin" / "python"
CLIENT = {
    "type": "string",
    "value": json.dumps({
        "taskHubName": "Mend",
        "creationUrls": {},
        "managementUrls": {},
        "baseUrl": "http://127.0.0.1:9/runtime/webhooks/durabletask",
        "requiredQueryStringParameters": "code=x",
        "rpcBaseUrl": "http://127.0.0.1:9/durabletask/",
    }),
}  # fmt: skip
TICKET = "TIK-20261120-000001"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="needs .venv-worker, which `make test` makes"
)


def drive(folder: Path, data: Path, calls: list[dict[str, Any]], **settings: str) -> dict[str, Any]:
    """Load the app in ``folder`` and make ``calls``; state goes to ``data``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEND_")}
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("drive.py"), folder, json.dumps(calls)],
        cwd=folder,
        env={**kept, "LOCAL_DATA_DIR": str(data), "MEND_PULL": "off", **settings},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def http(method: str, path: str, body: object = None, **params: str) -> dict[str, Any]:
    """Return a request as the host hands it on."""
    value = {"method": method, "url": f"http://localhost/api/{path}", "params": params}
    return {"type": "http", "value": {**value, "body": json.dumps(body) if body else ""}}


def history(payload: object) -> dict[str, Any]:
    """Return what the extension hands to an orchestrator that has just begun."""
    events = [
        {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-11-20T02:07:11Z"},
        {
            "EventType": 0,
            "EventId": -1,
            "IsPlayed": False,
            "Timestamp": "2026-11-20T02:07:11Z",
            "Name": "remediate",
            "Version": "1",
            "Input": json.dumps(json.dumps(payload)),
        },
    ]
    context = {
        "history": events,
        "input": json.dumps(payload),
        "instanceId": f"rem-{TICKET}-1",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
    }
    return {"type": "string", "value": json.dumps(context)}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the worker says of our app, and its answers to a call of each kind."""
    alert = {
        "dataFactoryName": "adf-retail",
        "pipelineName": "load_orders",
        "runId": "3d1f0000-0000-4000-8000-000000000001",
        "message": "boom",
    }
    calls = [
        {"function": "health", "inputs": {"req": http("GET", "health")}},
        {
            "function": "receive_alert",
            "inputs": {
                "req": http("POST", "v1/tickets/webhook/adf", alert, source="adf"),
                "client": CLIENT,
            },
        },
        {"function": "metrics", "inputs": {"req": http("GET", "metrics")}},
        {
            "function": "close_ticket",
            "inputs": {
                "payload": {
                    "type": "json",
                    "value": json.dumps(
                        {"ticket_id": TICKET, "outcome": "inconclusive", "conclusion": "x"}
                    ),
                }
            },
        },
        {"function": "remediate", "inputs": {"context": history({"ticket_id": TICKET})}},
    ]
    return drive(ROOT, tmp_path_factory.mktemp("data"), calls)


def test_every_function_is_indexed(loaded: dict[str, Any]) -> None:
    """All or nothing: one that is refused would take the others with it."""
    assert "refused" not in loaded, loaded
    kinds = [one["type"] for bound in loaded["bindings"].values() for one in bound]
    assert {"httpTrigger", "timerTrigger", "activityTrigger", "orchestrationTrigger"} <= set(kinds)
    assert len(loaded["bindings"]) > 40


def test_the_change_feed_is_indexed_as_well(tmp_path: Path) -> None:
    """It is there with Cosmos DB only, as on Azure."""
    found = drive(ROOT, tmp_path, [], MEND_STORE="cosmos", COSMOS_DATABASE="mend")
    assert "refused" not in found, found
    kinds = {one["type"] for bound in found["bindings"].values() for one in bound}
    assert "cosmosDBTrigger" in kinds


def test_http_triggers_answer(loaded: dict[str, Any]) -> None:
    """One that reads nothing, one that stores and has a durable client, one with plain text."""
    health, alert, metrics = loaded["answers"][:3]
    assert json.loads(health["returned"]["body"]) == {"status": "ok"}
    assert (alert["ok"], alert["returned"]["status"]) == (True, "202"), alert
    assert json.loads(alert["returned"]["body"])["accepted"] == 1
    assert 'mend_tickets{status="open"} 1' in metrics["returned"]["body"]


def test_an_activity_is_called(loaded: dict[str, Any]) -> None:
    """Its payload arrives as a dict; what it raises is the worker's to report."""
    activity = loaded["answers"][3]
    assert activity["ok"] is False
    assert TICKET in activity["error"]
    assert "NotFound" in activity["error"]


def test_an_orchestrator_takes_its_first_step(loaded: dict[str, Any]) -> None:
    """It asks for the activity that claims the episode, and is not done."""
    told = json.loads(loaded["answers"][4]["returned"])
    asked = [
        one["functionName"]
        for group in told["actions"]
        for retried in group
        for one in retried["compoundActions"]
    ]
    assert (told["isDone"], asked) == (False, ["claim_episode"])


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("payload: dict[str, object]", "invalid non-type annotation"),
        ("payload: dict, more: int", "more"),
        ("other: dict", "other"),
    ],
)
def test_what_azure_refuses_is_refused_here(tmp_path: Path, mistake: str, said: str) -> None:
    """An app that the local host might take, and Azure would start without any function."""
    (tmp_path / "function_app.py").write_text(
        "import azure.durable_functions as df\n"
        "app = df.DFApp()\n"
        "@app.activity_trigger(input_name='payload')\n"
        f"def step({mistake}) -> str:\n"
        "    return ''\n"
    )
    assert said in drive(tmp_path, tmp_path, [])["refused"]
