"""Every call of the surface, made by the real SDK over a real socket."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from simulators.client import AdfSimulator
from tests.simulators.sdk import Factory, async_client, window
from tests.support.simulators import FACTORY, GROUP, SUBSCRIPTION

BASE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.DataFactory/factories/{FACTORY}"
)
VERSION = {"api-version": "2018-06-01"}
MISSING = "00000000-0000-4000-8000-00000000dead"


def test_a_run_is_created_and_shown_in_full(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """A new run has its own group, the parameters with defaults, and who started it."""
    frozen_adf.script("load_orders", parameters={"region": "eu", "day": None})

    run_id = frozen_factory.start("load_orders", {"day": "2026-11-20", "full": True})
    run = frozen_factory.run(run_id)

    assert run.run_id == run.run_group_id == run_id
    assert run.pipeline_name == "load_orders"
    assert run.parameters == {"region": "eu", "day": "2026-11-20", "full": "true"}
    assert run.is_latest is True
    assert run.status == "InProgress"
    assert run.run_start is not None
    assert run.run_end is None
    assert run.duration_in_ms is None
    assert run.invoked_by is not None
    assert run.invoked_by.name == run.invoked_by.invoked_by_type == "Manual"
    assert run.invoked_by.id


def test_a_finished_run_has_end_and_duration(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """The end follows the script to the millisecond."""
    frozen_adf.script("load_orders", [{"status": "Succeeded", "queued_seconds": 0.5, "seconds": 2}])
    run_id = frozen_factory.start("load_orders")

    frozen_adf.advance(10)
    run = frozen_factory.run(run_id)

    assert (run.status, run.message, run.duration_in_ms) == ("Succeeded", "", 2500)
    assert run.run_end == run.last_updated


def test_an_activity_error_is_shown_as_the_service_shows_it(
    adf: AdfSimulator, factory: Factory
) -> None:
    """The failing activity carries the scripted error, the run quotes it."""
    run = adf.seed_failed_run(
        "load_orders",
        activity="Copy orders",
        error_code="2200",
        message="ErrorCode=SqlOpenConnectionTimeout",
        activity_output={"errors": [{"Code": 40613}]},
    )

    shown = factory.run(run.run_id)
    activity = factory.activities(run.run_id)[0]

    assert (
        shown.message
        == "Operation on target Copy orders failed: ErrorCode=SqlOpenConnectionTimeout"
    )
    assert (activity.activity_name, activity.activity_type) == ("Copy orders", "Copy")
    assert activity.status == "Failed"
    assert activity.error == {
        "errorCode": "2200",
        "message": "ErrorCode=SqlOpenConnectionTimeout",
        "failureType": "UserError",
        "target": "Copy orders",
        "details": "",
    }
    assert activity.output == {"errors": [{"Code": 40613}]}
    assert activity.pipeline_run_id == run.run_id
    assert activity.activity_run_end is not None


def test_a_pipeline_is_shown_with_what_was_declared(adf: AdfSimulator, factory: Factory) -> None:
    """The definition has activities in order, typed parameters and the concurrency."""
    adf.script(
        "load_orders",
        parameters={"region": "eu", "rows": 5, "day": None},
        concurrency=2,
        activities=[{"name": "Get last load", "type": "Lookup"}, "Copy orders"],
    )

    pipeline = factory.sdk.pipelines.get(GROUP, FACTORY, "LOAD_ORDERS")

    assert pipeline is not None
    assert pipeline.name == "load_orders"
    assert pipeline.concurrency == 2
    assert [activity.name for activity in pipeline.activities or []] == [
        "Get last load",
        "Copy orders",
    ]
    declared = pipeline.parameters or {}
    assert {name: (one.type, one.default_value) for name, one in declared.items()} == {
        "region": ("String", "eu"),
        "rows": ("Int", 5),
        "day": ("String", None),
    }


def test_a_child_names_its_parent(adf: AdfSimulator, factory: Factory) -> None:
    """A run started by another pipeline says which run of which pipeline it was."""
    parent = adf.seed_run("nightly", "Failed")
    child = adf.seed_failed_run(
        "load_orders",
        invoked_by={
            "name": "Run load_orders",
            "invoked_by_type": "PipelineActivity",
            "pipeline_name": "nightly",
            "pipeline_run_id": parent.run_id,
        },
    )

    invoked_by = factory.run(child.run_id).invoked_by

    assert invoked_by is not None
    assert invoked_by.invoked_by_type == "PipelineActivity"
    assert invoked_by.pipeline_name == "nightly"
    assert invoked_by.pipeline_run_id == parent.run_id


def test_a_green_run_may_hide_a_failed_activity(adf: AdfSimulator, factory: Factory) -> None:
    """An activity whose on-failure path copes leaves the run Succeeded."""
    run = adf.seed_run(
        "load_orders",
        "Succeeded",
        failed_activity="Copy orders",
        error={"errorCode": "2200", "message": "boom"},
    )

    assert factory.run(run.run_id).status == "Succeeded"
    assert [one.status for one in factory.activities(run.run_id)] == ["Failed"]


@pytest.mark.parametrize("call", ["start", "get", "pipeline", "activities"])
def test_what_is_not_there_is_a_404(factory: Factory, call: str) -> None:
    """Unknown pipelines and runs are errors in the ARM envelope."""
    calls: dict[str, tuple[Callable[[], object], str]] = {
        "start": (lambda: factory.start("nobody"), "PipelineNotFound"),
        "get": (lambda: factory.run(MISSING), "PipelineRunNotFound"),
        "pipeline": (
            lambda: factory.sdk.pipelines.get(GROUP, FACTORY, "nobody"),
            "PipelineNotFound",
        ),
        "activities": (lambda: factory.activities(MISSING), "PipelineRunNotFound"),
    }
    ask, code = calls[call]

    with pytest.raises(ResourceNotFoundError) as caught:
        ask()

    assert caught.value.error is not None
    assert caught.value.error.code == code


def test_runs_of_one_factory_are_not_seen_in_another(adf: AdfSimulator, factory: Factory) -> None:
    """A run id belongs to the factory it was started in; case does not matter."""
    adf.script("load_orders")
    run_id = factory.start("load_orders")

    with Factory(adf.url, name=FACTORY.upper()) as same, Factory(adf.url, name="other") as other:
        assert same.run(run_id).run_id == run_id
        with pytest.raises(ResourceNotFoundError):
            other.run(run_id)


def test_a_seeded_run_may_belong_to_a_factory(adf: AdfSimulator, factory: Factory) -> None:
    """A seed with a factory is seen there only; one without is seen everywhere."""
    here = adf.seed_failed_run("p", factory=BASE)
    elsewhere = adf.seed_failed_run("p", factory=BASE + "-2")
    anywhere = adf.seed_failed_run("p")

    assert {run.run_id for run in factory.query().value} == {here.run_id, anywhere.run_id}
    assert elsewhere.run_id in {run.run_id for run in adf.runs()}


def test_triggers_start_stop_and_rerun(adf: AdfSimulator, factory: Factory) -> None:
    """A rerun of a trigger run starts the pipeline in a group of its own."""
    adf.script("load_orders")
    failed = adf.seed_failed_run("load_orders")
    adf.trigger("nightly", pipeline="load_orders", kind="TumblingWindowTrigger", state="Stopped")
    trigger_run = adf.seed_trigger_run("nightly", run_id=failed.run_id)

    factory.sdk.triggers.begin_start(GROUP, FACTORY, "nightly").result()
    factory.sdk.trigger_runs.rerun(GROUP, FACTORY, "nightly", trigger_run)
    trigger = factory.sdk.triggers.get(GROUP, FACTORY, "nightly")
    firings = factory.sdk.trigger_runs.query_by_factory(GROUP, FACTORY, window()).value

    assert trigger is not None
    assert trigger.properties.runtime_state == "Started"
    assert [(one.status, one.trigger_type) for one in firings] == [
        ("Failed", "TumblingWindowTrigger"),
        ("Succeeded", "TumblingWindowTrigger"),
    ]
    new = (firings[1].triggered_pipelines or {})["load_orders"]
    run = factory.run(new)
    assert run.run_group_id == new
    assert run.invoked_by is not None
    assert run.invoked_by.name == "nightly"
    assert adf.effects("rerunTriggerRun") == [new]

    factory.sdk.triggers.begin_stop(GROUP, FACTORY, "nightly").result()
    assert adf.effects("stopTrigger") == ["nightly Stopped"]


def test_an_integration_runtime_comes_back_by_the_clock(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """A runtime goes through its states and stays in the last."""
    frozen_adf.integration_runtime("ir-plant-07", "Online", state_path=[("Offline", 60)])
    states = []

    for seconds in (0, 59, 1):
        frozen_adf.advance(seconds)
        status = frozen_factory.sdk.integration_runtimes.get_status(GROUP, FACTORY, "ir-plant-07")
        states.append(status.properties.state)

    assert states == ["Offline", "Offline", "Online"]


@pytest.mark.parametrize(
    ("path", "method"),
    [
        pytest.param(f"{BASE}/dataflows/x", "GET", id="a call not simulated"),
        pytest.param(f"{BASE}/pipelines/p/createRun", "GET", id="a known path, another method"),
        pytest.param("/subscriptions", "GET", id="not under a factory"),
    ],
)
def test_anything_else_is_a_404_in_the_ledger(adf: AdfSimulator, path: str, method: str) -> None:
    """What is not simulated fails loudly and leaves a trace."""
    answer = httpx.request(method, adf.url + path, params=VERSION)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NotSimulated"
    assert [(one.action, one.method, one.status) for one in adf.ledger()] == [
        ("unknown", method, 404)
    ]


def test_paths_match_without_regard_to_case_and_names_are_decoded(adf: AdfSimulator) -> None:
    """ARM ignores case in paths, and a pipeline may have a space in its name."""
    adf.script("Load orders")

    path = f"{BASE}/PIPELINES/load%20Orders/createrun".replace("resourceGroups", "resourcegroups")
    answer = httpx.post(adf.url + path, params=VERSION)

    assert answer.status_code == 200
    assert adf.ledger("createRun")[0].target == "load Orders"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param({}, "MissingApiVersionParameter", id="missing"),
        pytest.param({"api-version": "2017"}, "InvalidApiVersionParameter", id="unknown"),
    ],
)
def test_the_api_version_is_checked(adf: AdfSimulator, query: dict[str, str], code: str) -> None:
    """Nothing happens without the right api-version."""
    adf.script("p")

    answer = httpx.post(f"{adf.url}{BASE}/pipelines/p/createRun", params=query)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert adf.runs() == []


@pytest.mark.parametrize("body", ["[1]", "no json", '"text"'])
def test_parameters_must_be_an_object(adf: AdfSimulator, body: str) -> None:
    """A body that cannot be parameters starts nothing."""
    adf.script("p")

    answer = httpx.post(f"{adf.url}{BASE}/pipelines/p/createRun", params=VERSION, content=body)

    assert answer.status_code == 400
    assert adf.runs() == []


def test_a_token_is_asked_for_only_if_there_is_one() -> None:
    """With a token set, callers without it get 401 and a challenge, and nothing happens."""
    with AdfSimulator.start(token="s3cret") as guarded:
        guarded.script("p")

        for wrong in ("", "guess"):
            with (
                Factory(guarded.url, token=wrong) as stranger,
                pytest.raises(ClientAuthenticationError) as caught,
            ):
                stranger.start("p")
            assert caught.value.status_code == 401
        with Factory(guarded.url, token="s3cret") as friend:
            run_id = friend.start("p")

        bare = httpx.get(f"{guarded.url}{BASE}/pipelineruns/{run_id}", params=VERSION)
        assert bare.headers["WWW-Authenticate"].startswith("Bearer ")
        assert guarded.effects("createRun") == [run_id]
        assert [entry.status for entry in guarded.ledger()] == [401, 401, 200, 401]


async def test_fifty_runs_at_once_are_fifty_runs(adf: AdfSimulator) -> None:
    """Parallel calls of the asynchronous SDK never get into each other's way."""
    adf.script("load_orders", ["Succeeded"])

    async with async_client(adf.url) as sdk:
        answers = await asyncio.gather(
            *(sdk.pipelines.create_run(GROUP, FACTORY, "load_orders", {"n": n}) for n in range(50))
        )

    started = {answer.run_id for answer in answers}
    assert len(started) == 50
    assert started == set(adf.effects("createRun"))
    assert [entry.seq for entry in adf.ledger()] == list(range(1, 51))
    assert {run.parameters["n"] for run in adf.runs()} == {str(n) for n in range(50)}


def test_a_run_id_may_be_the_client_request_id(adf: AdfSimulator, factory: Factory) -> None:
    """Off by default; switched on the id is taken over, and still a repeat is a second run."""
    adf.script("p")
    wish = "5f1c0000-0000-4000-8000-000000000001"
    sent = {"headers": {"x-ms-client-request-id": wish}}

    before = factory.start("p", **sent)
    adf.switch(run_id_from_client_request_id=True)
    first, second = factory.start("p", **sent), factory.start("p", **sent)

    assert before != wish
    assert first == wish
    assert second != wish
    assert len(adf.runs()) == 3


def test_a_reset_forgets_everything(adf: AdfSimulator, factory: Factory) -> None:
    """After a reset the simulator is as freshly started."""
    adf.script("p")
    run_id = factory.start("p")
    adf.fault("*", "refuse_503", times=9)
    adf.switch(invisible_seconds=60)
    adf.trigger("t")
    adf.integration_runtime("ir")

    adf.reset()

    assert (adf.runs(), adf.ledger()) == ([], [])
    for ask in (
        lambda: factory.run(run_id),
        lambda: factory.start("p"),
        lambda: factory.sdk.triggers.get(GROUP, FACTORY, "t"),
        lambda: factory.sdk.integration_runtimes.get_status(GROUP, FACTORY, "ir"),
    ):
        with pytest.raises(ResourceNotFoundError):
            ask()
    adf.script("p")
    assert factory.run(factory.start("p")).status == "InProgress"


def test_azure_core_alone_would_start_a_pipeline_twice(adf: AdfSimulator) -> None:
    """The SDK repeats createRun after a lost answer: why retries must be off."""
    adf.script("p")
    adf.fault("createRun", "lose_answer_504")

    with Factory(adf.url, retry_total=1) as eager:
        eager.start("p")

    assert len(adf.effects("createRun")) == 2


def test_an_http_error_has_code_and_target(adf: AdfSimulator, factory: Factory) -> None:
    """The SDK finds the envelope's fields."""
    with pytest.raises(HttpResponseError) as caught:
        factory.cancel(MISSING)

    error = caught.value.error
    assert error is not None
    assert (caught.value.status_code, error.code, error.target) == (
        400,
        "ReferencedPipelineRunNotFound",
        "pipelinerun",
    )
    assert adf.ledger()[0].effect is None
