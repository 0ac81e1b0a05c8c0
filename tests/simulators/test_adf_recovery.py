"""Recovery runs: groups, parameters, what is skipped, what is refused."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from simulators.client import AdfSimulator
from tests.simulators.sdk import Factory, where

MISSING = "00000000-0000-4000-8000-00000000dead"
THREE = ("Get last load", "Copy orders", "Update last load")


def names(factory: Factory, run_id: str) -> list[str | None]:
    """Return the activities that ran."""
    return [activity.activity_name for activity in factory.activities(run_id)]


def test_a_recovery_joins_the_group_and_becomes_its_latest(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """All recoveries share the first run's group, and only the newest is the latest."""
    first = frozen_adf.seed_failed_run("load_orders").run_id

    second = frozen_factory.recover("load_orders", first)
    frozen_adf.advance(5)
    third = frozen_factory.recover("load_orders", second)

    group = frozen_factory.query(where("RunGroupId", "Equals", first)).value
    assert {run.run_id for run in group} == {first, second, third}
    assert [run.run_id for run in group if run.is_latest] == [third]
    assert [run.reference_run_id for run in frozen_adf.runs()] == [None, first, second]


def test_a_recovery_keeps_the_parameters_of_its_reference(
    adf: AdfSimulator, factory: Factory
) -> None:
    """Parameters in the body are ignored as soon as a run is referenced."""
    failed = adf.seed_failed_run("load_orders", parameters={"day": "2026-11-19"})

    recovered = factory.recover("load_orders", failed.run_id, parameters={"day": "2030-01-01"})
    repeated = factory.start(
        "load_orders", {"day": "2030-01-01"}, reference_pipeline_run_id=failed.run_id
    )

    assert factory.run(recovered).parameters == {"day": "2026-11-19"}
    assert factory.run(repeated).parameters == {"day": "2026-11-19"}
    assert adf.ledger("createRun")[0].body == {"day": "2030-01-01"}


def test_without_recovery_a_run_is_a_group_of_its_own(adf: AdfSimulator, factory: Factory) -> None:
    """A reference alone takes over parameters, not the group."""
    failed = adf.seed_failed_run("load_orders")

    repeated = factory.start("load_orders", reference_pipeline_run_id=failed.run_id)

    assert factory.run(repeated).run_group_id == repeated
    assert factory.run(failed.run_id).is_latest is True


@pytest.mark.parametrize(
    ("how", "ran"),
    [
        pytest.param({}, ["Copy orders", "Update last load"], id="from failure"),
        pytest.param({"start_from_failure": False}, list(THREE), id="from the beginning"),
        pytest.param(
            {"start_activity_name": "Update last load"}, ["Update last load"], id="from an activity"
        ),
        pytest.param(
            {"start_activity_name": "Get last load"},
            list(THREE),
            id="activity beats from failure",
        ),
    ],
)
def test_a_recovery_skips_what_need_not_run_again(
    adf: AdfSimulator, factory: Factory, how: dict[str, Any], ran: list[str]
) -> None:
    """Skipped activities are absent from the new run."""
    adf.script("load_orders", [{"status": "Succeeded", "seconds": 0}], activities=THREE)
    failed = adf.seed_failed_run("load_orders", activity="Copy orders")

    recovered = factory.recover("load_orders", failed.run_id, **how)

    assert names(factory, failed.run_id) == ["Get last load", "Copy orders"]
    assert names(factory, recovered) == ran


def test_a_second_recovery_skips_what_the_first_one_skipped(
    adf: AdfSimulator, factory: Factory
) -> None:
    """What any run of the chain has done is done."""
    failing = {"status": "Failed", "seconds": 0, "failed_activity": "Update last load"}
    adf.script("load_orders", [failing, {"status": "Succeeded", "seconds": 0}], activities=THREE)
    first = adf.seed_failed_run("load_orders", activity="Copy orders").run_id

    second = factory.recover("load_orders", first)
    third = factory.recover("load_orders", second)

    assert names(factory, second) == ["Copy orders", "Update last load"]
    assert names(factory, third) == ["Update last load"]


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        pytest.param(MISSING, "ReferencedPipelineRunNotFound", id="unknown"),
        pytest.param("{}", "ReferencedPipelineRunNotValid", id="not an id"),
        pytest.param(None, "ReferencedPipelineRunNotValid", id="none"),
    ],
)
def test_a_recovery_needs_a_usable_reference(
    adf: AdfSimulator, factory: Factory, reference: str | None, code: str
) -> None:
    """Without one nothing is started."""
    adf.script("load_orders")

    with pytest.raises(HttpResponseError) as caught:
        factory.start("load_orders", is_recovery=True, reference_pipeline_run_id=reference)

    assert caught.value.status_code == 400
    assert caught.value.error is not None
    assert caught.value.error.code == code
    assert adf.runs() == []


def test_a_run_of_another_pipeline_is_no_reference(adf: AdfSimulator, factory: Factory) -> None:
    """Recovery stays within one pipeline."""
    adf.script("load_orders")
    other = adf.seed_failed_run("load_stock")

    with pytest.raises(HttpResponseError, match="ReferencedPipelineRunNotValid"):
        factory.recover("load_orders", other.run_id)


def test_an_unknown_start_activity_is_refused(adf: AdfSimulator, factory: Factory) -> None:
    """An activity that was renamed meanwhile cannot be started from."""
    failed = adf.seed_failed_run("load_orders", activity="Copy orders")

    with pytest.raises(HttpResponseError, match="ActivityNotFound"):
        factory.recover("load_orders", failed.run_id, start_activity_name="Copy everything")


def test_an_active_run_is_not_recovered_unless_switched(
    adf: AdfSimulator, factory: Factory
) -> None:
    """By default the service refuses to rerun what still runs."""
    active = adf.seed_run("load_orders", "InProgress")

    with pytest.raises(HttpResponseError, match="PipelineRunNotInTerminalState"):
        factory.recover("load_orders", active.run_id)
    refused = len(adf.runs())
    adf.switch(refuse_rerun_of_active=False)
    factory.recover("load_orders", active.run_id)

    assert (refused, len(adf.runs())) == (1, 2)


def test_a_reference_that_cannot_be_seen_yet_does_not_exist(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """Eventual consistency holds for recoveries as well."""
    frozen_adf.script("load_orders", [{"status": "Failed", "seconds": 0, "invisible_seconds": 30}])
    run_id = frozen_factory.start("load_orders")

    with pytest.raises(HttpResponseError, match="ReferencedPipelineRunNotFound"):
        frozen_factory.recover("load_orders", run_id)
    frozen_adf.advance(30)

    assert frozen_factory.recover("load_orders", run_id)


def test_a_recovery_of_an_unknown_pipeline_is_a_404(adf: AdfSimulator, factory: Factory) -> None:
    """The pipeline is looked for before the reference."""
    failed = adf.seed_failed_run("load_orders")

    with pytest.raises(ResourceNotFoundError):
        factory.recover("dropped", failed.run_id)
