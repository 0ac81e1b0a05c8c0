"""Controls of the Data Factory simulator, beside the shared ones.

POST /_sim/adf/pipelines              a pipeline and its coming runs   (PipelineScript)
POST /_sim/adf/runs                   a run that is already there      (SeedRun)
GET  /_sim/adf/runs                   all runs, also those not to be seen yet
GET  /_sim/adf/switches               PUT changes those it names       (Switches)
POST /_sim/adf/triggers               a trigger                        (TriggerScript)
POST /_sim/adf/trigger-runs           a past firing                    (TriggerRunScript)
POST /_sim/adf/integration-runtimes   a runtime          (IntegrationRuntimeScript)
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.adf import wire
from simulators.adf.operations import Operations
from simulators.adf.runs import Run
from simulators.adf.scripts import (
    IntegrationRuntimeScript,
    PipelineScript,
    SeedRun,
    Switches,
    TriggerRunScript,
    TriggerScript,
)
from simulators.kit.controls import PREFIX, instruction
from simulators.kit.service import Refused

ADF = f"{PREFIX}/adf"
# Where seeded runs live that name no factory: they are seen in every one.
ANY_FACTORY = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/any"
    "/providers/Microsoft.DataFactory/factories/any"
)


def adf_routes(operations: Operations) -> list[Route]:
    """Return the routes of these controls."""
    return [*_run_routes(operations), *_switch_routes(operations), *_other_routes(operations)]


def _run_routes(operations: Operations) -> list[Route]:
    model = operations.model

    async def declare(request: Request) -> Response:
        pipeline = model.declare(await instruction(request, PipelineScript))
        return JSONResponse(wire.pipeline_definition(pipeline, ANY_FACTORY), 201)

    async def seed(request: Request) -> Response:
        wanted = await instruction(request, SeedRun)
        try:
            run = model.seed(wanted)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(_shown(operations, run), 201)

    async def show(request: Request) -> Response:
        _ = request
        return JSONResponse({"runs": [_shown(operations, run) for run in model.runs()]})

    return [
        Route(f"{ADF}/pipelines", declare, methods=["POST"]),
        Route(f"{ADF}/runs", seed, methods=["POST"]),
        Route(f"{ADF}/runs", show),
    ]


def _switch_routes(operations: Operations) -> list[Route]:
    model = operations.model

    async def show(request: Request) -> Response:
        _ = request
        return JSONResponse(model.switches.model_dump())

    async def change(request: Request) -> Response:
        wanted = await instruction(request, Switches)
        model.switches = model.switches.model_copy(update=wanted.model_dump(exclude_unset=True))
        return JSONResponse(model.switches.model_dump())

    return [
        Route(f"{ADF}/switches", show),
        Route(f"{ADF}/switches", change, methods=["PUT"]),
    ]


def _other_routes(operations: Operations) -> list[Route]:
    async def trigger(request: Request) -> Response:
        made = operations.triggers.declare(await instruction(request, TriggerScript))
        return JSONResponse(wire.trigger_definition(made, ANY_FACTORY), 201)

    async def trigger_run(request: Request) -> Response:
        wanted = await instruction(request, TriggerRunScript)
        try:
            made = operations.triggers.seed(wanted, operations.model.now())
        except Refused as error:
            raise HTTPException(400, f"trigger: {wanted.trigger} is not declared") from error
        return JSONResponse(dict(wire.trigger_run(made)), 201)

    async def runtime(request: Request) -> Response:
        wanted = await instruction(request, IntegrationRuntimeScript)
        operations.runtimes.declare(wanted, operations.model.now())
        return JSONResponse(wanted.model_dump(), 201)

    return [
        Route(f"{ADF}/triggers", trigger, methods=["POST"]),
        Route(f"{ADF}/trigger-runs", trigger_run, methods=["POST"]),
        Route(f"{ADF}/integration-runtimes", runtime, methods=["POST"]),
    ]


def _shown(operations: Operations, run: Run) -> dict[str, object]:
    """A run as the service shows it, with what only the simulator knows."""
    model = operations.model
    now = model.now()
    return {
        **wire.pipeline_run(model, run, ANY_FACTORY),
        "referenceRunId": run.reference_run_id,
        "visible": run.visible_at <= now,
        "activities": [dict(wire.activity_run(run, one)) for one in run.activity_runs(now)],
    }
