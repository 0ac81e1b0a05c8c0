"""Orchestrations whose results are known beforehand, for a host that is killed while they run."""

# mypy: disallow-untyped-decorators=False, disallow-any-generics=False

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{name}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start an orchestration through the client, as an app does."""
    instance_id = req.route_params["id"]
    if await client.get_status(instance_id):
        return func.HttpResponse("there already", status_code=200)
    await client.start_new(req.route_params["name"], instance_id, {"id": instance_id})
    return func.HttpResponse("started", status_code=202)


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Any:
    """Five activities in a row: 5."""
    value = 0
    for _ in range(5):
        value = yield context.call_activity("inc", value)
    return value


@app.orchestration_trigger(context_name="context")
def fan(context: df.DurableOrchestrationContext) -> Any:
    """Squares of 0 to 5, a retried activity and a child: 55, "ok", 3136."""
    squares = yield context.task_all([context.call_activity("square", n) for n in range(6)])
    retried = yield context.call_activity_with_retry(
        "flaky", df.RetryOptions(20, 12), context.instance_id
    )
    child = yield context.call_sub_orchestrator("child", sum(squares) + 1)
    context.set_custom_status("done")
    return [sum(squares), retried, child]


@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext) -> Any:
    """Square the input."""
    return (yield context.call_activity("square", context.get_input()))


@app.orchestration_trigger(context_name="context")
def monitor(context: df.DurableOrchestrationContext) -> Any:
    """Poll with timers, beginning anew every third time: 8."""
    state: Any = context.get_input()
    state.setdefault("polls", 0)
    for _ in range(3):
        state["polls"] = yield context.call_activity("inc", state["polls"])
        if state["polls"] == 8:
            return 8
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=30))
    context.continue_as_new(state)
    return None


@app.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext) -> Any:
    """Wait for a person for at most an hour; the test always answers: "yes"."""
    timer: Any = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    answer = context.wait_for_external_event("Answer")
    winner = yield context.task_any([answer, timer])
    if winner == answer:
        timer.cancel()
        yield context.call_activity("inc", 1)
        return "yes"
    return "late"


@app.activity_trigger(input_name="value")
async def inc(value: int) -> int:
    """Return the next number, after a moment on the loop."""
    await asyncio.sleep(0.005)
    return value + 1


@app.activity_trigger(input_name="value")
def square(value: int) -> int:
    """Return the square, after a moment in a thread."""
    time.sleep(0.01)
    return value * value


@app.activity_trigger(input_name="key")
def flaky(key: str) -> str:
    """Fail the first two times, counted in a file that survives the process."""
    path = Path(os.environ["LOCAL_DATA_DIR"]) / f"flaky-{key}"
    count = len(path.read_text()) if path.exists() else 0
    path.write_text("x" * (count + 1))
    if count < 2:
        raise RuntimeError(f"attempt {count}")
    return "ok"
