"""The files that people load into Azure Monitor, Grafana and Prometheus."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from shared.usecases.take_pulse import METRICS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "infra" / "monitoring"
_METRIC = re.compile(r"\bmend_[a-z_]+")


def read(name: str) -> str:
    """Return a file as text."""
    return (FOLDER / name).read_text(encoding="utf-8")


def test_prometheus_warns_of_the_same_as_azure() -> None:
    """Whoever scrapes must not learn less than whoever has Azure Monitor."""
    health = (ROOT / "infra" / "modules" / "health.bicep").read_text(encoding="utf-8")
    rules = yaml.safe_load(read("prometheus-alerts.yaml"))["groups"][0]["rules"]
    asked = {metric for rule in rules for metric in _METRIC.findall(rule["expr"])}

    assert asked == set(_METRIC.findall(health))
    assert all(rule["annotations"]["summary"] for rule in rules)


def test_grafana_shows_every_metric() -> None:
    """Each panel with a place of its own, a source that people choose, and a query."""
    board: dict[str, Any] = json.loads(read("grafana.json"))
    places = [tuple(one["gridPos"].values()) for one in board["panels"]]

    assert set(_METRIC.findall(json.dumps(board))) == set(METRICS)
    assert len(set(places)) == len(places)
    assert len({one["id"] for one in board["panels"]}) == len(places)
    assert {one["datasource"]["uid"] for one in board["panels"]} == {"${source}"}


def test_the_workbook_has_a_name_per_part() -> None:
    """Azure refuses two of one name; each query looks at what Mend sends."""
    items = json.loads(read("workbook.json"))["items"]
    queries = [one["content"]["query"] for one in items if one["type"] == 3]

    assert len({one["name"] for one in items}) == len(items)
    assert all("mend_" in query or "ticket_id" in query for query in queries)


def test_the_workflow_asks_for_what_mend_sends() -> None:
    """And sends each run at most once, without showing the token in its history."""
    workflow = json.loads((ROOT / "infra" / "workflows" / "rerun.json").read_text(encoding="utf-8"))
    schema = workflow["triggers"]["request"]["inputs"]["schema"]
    sent = (ROOT / "shared" / "remedies" / "logic_app.py").read_text(encoding="utf-8")
    rerun = workflow["actions"]["rerun"]
    calls = {**rerun["actions"], **rerun["else"]["actions"]}

    assert all(f'"{name}":' in sent for name in schema["required"])
    # What comes first of the address decides who gets the identity's token.
    assert "@startsWith(triggerBody()?['resource']?['scope'], '/subscriptions/')" in json.dumps(
        rerun["expression"]
    )
    hidden = workflow["triggers"]["request"]["runtimeConfiguration"]["secureData"]["properties"]
    assert hidden == ["inputs", "outputs"]
    assert calls["create_run"]["inputs"]["retryPolicy"] == {"type": "none"}
    for name, call in calls.items():
        assert call["runtimeConfiguration"]["secureData"]["properties"] == ["inputs"], name
        assert name == "create_run" or call["inputs"]["uri"] == "@parameters('callbackUrl')"
