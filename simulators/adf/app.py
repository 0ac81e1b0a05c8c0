"""Data Factory's REST surface over the model, and its controls, as one ASGI app."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.adf.arm import Arm, place, template
from simulators.adf.controls import adf_routes
from simulators.adf.operations import Operate, Operations
from simulators.kit.controls import PREFIX, control_error, control_routes
from simulators.kit.service import Answer, Call, Refused, Service, read_body
from simulators.kit.serving import Simulator, Surroundings

UNKNOWN = "unknown"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the REST surface.

    Attributes:
        action: Its name in the ledger and for faults.
        target: Which part of the path the call is about.
    """

    action: str
    method: str
    path: re.Pattern[str]
    target: str
    operate: Operate


OPERATIONS = (
    Operation(
        "createRun",
        "POST",
        template("/pipelines/{pipeline}/createRun"),
        "pipeline",
        Operations.create_run,
    ),
    Operation(
        "getPipeline",
        "GET",
        template("/pipelines/{pipeline}"),
        "pipeline",
        Operations.get_pipeline,
    ),
    Operation("getPipelineRun", "GET", template("/pipelineruns/{run}"), "run", Operations.get_run),
    Operation(
        "cancelPipelineRun",
        "POST",
        template("/pipelineruns/{run}/cancel"),
        "run",
        Operations.cancel_run,
    ),
    Operation(
        "queryPipelineRuns",
        "POST",
        template("/queryPipelineRuns"),
        "factory",
        Operations.query_runs,
    ),
    Operation(
        "queryActivityRuns",
        "POST",
        template("/pipelineruns/{run}/queryActivityruns"),
        "run",
        Operations.query_activity_runs,
    ),
    Operation(
        "getTrigger", "GET", template("/triggers/{trigger}"), "trigger", Operations.get_trigger
    ),
    Operation(
        "startTrigger",
        "POST",
        template("/triggers/{trigger}/start"),
        "trigger",
        Operations.start_trigger,
    ),
    Operation(
        "stopTrigger",
        "POST",
        template("/triggers/{trigger}/stop"),
        "trigger",
        Operations.stop_trigger,
    ),
    Operation(
        "rerunTriggerRun",
        "POST",
        template("/triggers/{trigger}/triggerRuns/{triggerRun}/rerun"),
        "trigger",
        Operations.rerun_trigger,
    ),
    Operation(
        "queryTriggerRuns",
        "POST",
        template("/queryTriggerRuns"),
        "factory",
        Operations.query_trigger_runs,
    ),
    Operation(
        "getIntegrationRuntimeStatus",
        "POST",
        template("/integrationRuntimes/{runtime}/getStatus"),
        "runtime",
        Operations.get_runtime_status,
    ),
)


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh Data Factory, ready to be served or called in-process."""
    arm = Arm(surroundings.token)
    service = Service(surroundings.clock, arm)
    operations = Operations(surroundings.clock)

    async def call_service(request: Request) -> Response:
        operation, call = _understand(request, await read_body(request), operations)

        def operate(call: Call) -> Answer:
            arm.admit(call)
            if operation is None:
                raise _not_simulated(call)
            return operation.operate(operations, call)

        return await service.answer(call, operate)

    async def no_such_control(request: Request) -> Response:
        raise HTTPException(404, f"no control {request.method} {request.url.path}")

    app = Starlette(
        routes=[
            *control_routes(
                service,
                name="adf",
                actions=[operation.action for operation in OPERATIONS],
                reset=operations.clear,
            ),
            *adf_routes(operations),
            Route(f"{PREFIX}/{{rest:path}}", no_such_control, methods=_METHODS),
            Route("/{rest:path}", call_service, methods=_METHODS),
        ],
        exception_handlers={HTTPException: control_error},
    )
    return Simulator("adf", "Azure Data Factory", app, service.pauses.wake_all)


def _understand(
    request: Request, body: object, operations: Operations
) -> tuple[Operation | None, Call]:
    """Find the operation that a request means; unknown ones are calls too."""
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    path = raw_path.split(b"?")[0].decode("ascii", errors="replace")
    found, names = _operation(request.method, path)
    run = names.get("run", "")
    pipeline = operations.model.pipeline_of(run)
    call = Call(
        action=found.action if found else UNKNOWN,
        method=request.method,
        path=path,
        target=_target(found, names),
        aliases=(pipeline,) if pipeline else (),
        names=names,
        query={name.lower(): value for name, value in request.query_params.items()},
        headers=dict(request.headers),
        body=body,
    )
    return found, call


def _operation(method: str, path: str) -> tuple[Operation | None, Mapping[str, str]]:
    where = place(path)
    if where is None:
        return None, {}
    for operation in OPERATIONS:
        match = operation.path.fullmatch(where.rest)
        if match and operation.method == method:
            names = {name: unquote(value) for name, value in match.groupdict().items()}
            return operation, {**names, "factory": where.factory}
    return None, {"factory": where.factory}


def _target(operation: Operation | None, names: Mapping[str, str]) -> str:
    if operation is None:
        return ""
    return names[operation.target].rsplit("/", 1)[-1]


def _not_simulated(call: Call) -> Refused:
    text = f"This simulator does not know {call.method} {call.path}; see simulators/adf/README.md."
    return Refused(404, "NotSimulated", text)
