"""The stock of failures, and the README that promises things."""

import re

import pytest

from simulators.adf.app import OPERATIONS
from simulators.adf.scenarios import SCENARIOS, Scenario
from simulators.adf.scripts import PipelineScript, RunScript, SeedRun, Switches
from simulators.client import ROOT, AdfSimulator
from simulators.kit.faults import Fault
from tests.simulators.sdk import Factory


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_scenario_can_be_played(
    frozen_adf: AdfSimulator, frozen_factory: Factory, scenario: Scenario
) -> None:
    """Its failed run is there with the true error, and reruns go as it says."""
    failed = frozen_adf.seed_scenario(scenario, parameters={"day": "2026-11-20"})
    ends, run_id = [], failed.run_id

    for _ in scenario.reruns:
        run_id = frozen_factory.recover(scenario.pipeline, run_id)
        frozen_adf.advance(5)
        ends.append(frozen_factory.run(run_id).status)

    last = frozen_factory.activities(failed.run_id)[-1]
    assert failed.status == last.status == scenario.run["status"]
    assert ends == [rerun["status"] for rerun in scenario.reruns]
    assert last.error is not None
    assert bool(last.error["message"]) == (failed.status == "Failed")
    assert frozen_factory.run(run_id).parameters == {"day": "2026-11-20"}


def test_scenarios_differ_in_name_pipeline_and_text() -> None:
    """All can be played side by side."""
    pipelines = [scenario.pipeline for scenario in SCENARIOS.values()]

    assert len(set(pipelines)) == len(SCENARIOS) >= 10
    assert all(name == scenario.name for name, scenario in SCENARIOS.items())


def test_a_scenario_may_be_played_on_another_pipeline(adf: AdfSimulator) -> None:
    """Many tickets can come from one scenario."""
    runs = [
        adf.seed_scenario(SCENARIOS["sql_transient"], pipeline=f"load_{number}")
        for number in range(3)
    ]

    assert [run.pipeline for run in runs] == ["load_0", "load_1", "load_2"]


def test_the_readme_tells_of_every_fault_call_field_and_switch() -> None:
    """What can be ordered or scripted is documented."""
    readme = (ROOT / "simulators/adf/README.md").read_text(encoding="utf-8")
    models = (RunScript, SeedRun, PipelineScript, Switches)
    promised = {
        *Fault,
        *(operation.action for operation in OPERATIONS),
        *(name for model in models for name in model.model_fields),
    }

    told = {word for span in re.findall(r"`([^`]+)`", readme) for word in re.findall(r"\w+", span)}

    assert promised - told == set()
