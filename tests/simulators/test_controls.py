"""The controls: what is wrong is named, what is scripted is not in the ledger."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from simulators.client import AdfSimulator, SimulatorError
from tests.simulators.sdk import Factory


def test_the_ledger_has_every_call_with_all_columns(adf: AdfSimulator, factory: Factory) -> None:
    """Sequence, time, what was asked, what was answered, what came of it."""
    adf.script("load_orders")

    run_id = factory.start("load_orders", {"day": "2026-11-20"}, start_from_failure=False)
    factory.run(run_id)

    created, read = adf.ledger()
    assert (created.seq, read.seq) == (1, 2)
    assert created.at <= read.at
    assert created.at.endswith("Z")
    assert (created.action, created.method, created.target) == ("createRun", "POST", "load_orders")
    assert created.path.endswith("/pipelines/load_orders/createRun")
    assert created.query == {"api-version": "2018-06-01", "startfromfailure": "false"}
    assert created.body == {"day": "2026-11-20"}
    assert (created.status, created.effect, created.fault) == (200, run_id, None)
    assert (read.action, read.target, read.effect) == ("getPipelineRun", run_id, None)


def test_the_ledger_is_read_by_action_and_from_a_place(adf: AdfSimulator, factory: Factory) -> None:
    """A reader can go on where it stopped."""
    run = adf.seed_run("p")
    for _ in range(3):
        factory.run(run.run_id)
    factory.start("p")

    assert [entry.seq for entry in adf.ledger("getPipelineRun", after=1)] == [2, 3]
    assert [entry.seq for entry in adf.ledger(after=3)] == [4]
    assert adf.ledger("cancelPipelineRun") == []


def test_controls_leave_no_trace_in_the_ledger(adf: AdfSimulator) -> None:
    """Scripting is not a call to the service, not even when it is wrong."""
    adf.script("p")
    adf.seed_run("p")
    adf.runs()
    httpx.get(f"{adf.url}/_sim/nothing")
    httpx.post(f"{adf.url}/_sim/adf/pipelines", json={"nam": "p"})

    assert adf.ledger() == []


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        pytest.param("adf/pipelines", {"runs": []}, "name", id="no name"),
        pytest.param("adf/pipelines", {"name": "p", "runs": []}, "runs", id="no runs"),
        pytest.param("adf/pipelines", {"name": "p", "rnus": []}, "rnus", id="misspelt"),
        pytest.param(
            "adf/pipelines",
            {"name": "p", "runs": [{"seconds": -1}]},
            "runs.0.seconds",
            id="negative",
        ),
        pytest.param("adf/pipelines", {"name": "p", "concurrency": 0}, "concurrency", id="zero"),
        pytest.param("adf/runs", {"pipeline": "p", "error": "boom"}, "error", id="no object"),
        pytest.param("adf/pipelines", [1], "body", id="a list"),
        pytest.param("clock/advance", {"seconds": -1}, "seconds", id="back in time"),
        pytest.param("faults", {"action": "createRun"}, "fault", id="no fault"),
    ],
)
def test_a_wrong_instruction_names_the_field(
    adf: AdfSimulator, path: str, body: Any, named: str
) -> None:
    """A script that cannot be meant is refused, never half obeyed."""
    answer = httpx.post(f"{adf.url}/_sim/{path}", json=body)

    assert answer.status_code == 400
    assert f"{named}:" in answer.json()["error"]
    assert adf.runs() == []


def test_a_firing_of_an_undeclared_trigger_is_refused(adf: AdfSimulator) -> None:
    """Seeds must fit together."""
    with pytest.raises(SimulatorError, match="nightly"):
        adf.seed_trigger_run("nightly")


def test_only_a_manual_clock_is_advanced(adf: AdfSimulator, frozen_adf: AdfSimulator) -> None:
    """The system's clock runs by itself; the other one stands still."""
    before = datetime.fromisoformat(frozen_adf.now())

    with pytest.raises(SimulatorError, match="--clock manual"):
        adf.advance(1)
    frozen_adf.advance(0.25)

    assert datetime.fromisoformat(frozen_adf.now()) - before == timedelta(seconds=0.25)


def test_switches_change_one_by_one(adf: AdfSimulator) -> None:
    """What is not named stays as it was."""
    adf.switch(cancel_seconds=3)
    adf.switch(invisible_seconds=4)

    shown = httpx.get(f"{adf.url}/_sim/adf/switches").json()

    assert shown == {
        "cancel_seconds": 3,
        "invisible_seconds": 4,
        "refuse_rerun_of_active": True,
        "run_id_from_client_request_id": False,
    }


def test_open_orders_can_be_seen(adf: AdfSimulator) -> None:
    """An order is shown with what is left of it."""
    adf.fault("createRun", "hold", times=3, match="p", seconds=2)

    shown = httpx.get(f"{adf.url}/_sim/faults").json()["faults"]

    assert [(one["action"], one["fault"], one["times"], one["match"]) for one in shown] == [
        ("createRun", "hold", 3, "p")
    ]


def test_health_is_answered(adf: AdfSimulator) -> None:
    """The simulator says which one it is."""
    answer = httpx.get(f"{adf.url}/_sim/health")

    assert answer.json() == {"status": "ok", "simulator": "adf", "in_flight": 0}


def test_declaring_a_pipeline_again_keeps_known_activities(adf: AdfSimulator) -> None:
    """A script after a seed does not rename what failed."""
    adf.seed_failed_run("p", activity="Copy orders")
    adf.script("p", ["Succeeded"])

    seeded = adf.seed_run("p")

    activities = seeded.wire["activities"]
    assert isinstance(activities, list)
    assert [one["activityName"] for one in activities] == ["Copy orders"]
