"""As little app as possible: what is measured is the host below it."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from bench.engines import payload

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]


@dataclass(slots=True)
class Looks:
    """How often :func:`look` was called in this process."""

    total: int = 0


looks = Looks()


async def step(value: dict) -> dict:  # type: ignore[type-arg]  # the worker wants it bare
    """Do one step of a chain."""
    return payload.advance(value)


async def look(name: str) -> str:
    """Look at something that never ends."""
    looks.total += 1
    return f"{name}: running"


def chain(context: Context) -> Steps:
    """Run five activities, one after another."""
    value: Any = context.get_input()
    for _ in range(payload.STEPS):
        value = yield context.call_activity("step", value)
    return value


def short(context: Context) -> Steps:
    """Run one activity."""
    return (yield context.call_activity("step", context.get_input()))


def monitor(context: Context) -> Steps:
    """Look, wait, look again; start afresh after ``generation`` looks, end after ``polls``.

    Waits end at fixed times, so that many monitors stay spread however late one was.
    """
    state: dict[str, Any] = context.get_input() or {}
    due, pause = datetime.fromisoformat(state["due"]), timedelta(seconds=state["seconds"])
    for _ in range(min(state["generation"], state["polls"])):
        yield context.call_activity("look", context.instance_id)
        due += pause
        yield context.create_timer(due)
    state["polls"] -= min(state["generation"], state["polls"])
    if state["polls"]:
        context.continue_as_new({**state, "due": due.isoformat()})


def sleeper(context: Context) -> Steps:
    """Run one activity, then wait for an event or until a given time."""
    yield context.call_activity("look", context.instance_id)
    until: Any = context.create_timer(datetime.fromisoformat(str(context.get_input())))
    woken = context.wait_for_external_event("wake")
    if (yield context.task_any([until, woken])) == woken:
        until.cancel()


def empty(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the trigger binds it
    """Answer at once."""
    return func.HttpResponse(status_code=200)


app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.route(route="empty", methods=["GET"])(empty)
for activity, parameter in ((step, "value"), (look, "name")):
    app.activity_trigger(input_name=parameter)(activity)
for orchestrator in (chain, short, monitor, sleeper):
    app.orchestration_trigger(context_name="context")(orchestrator)
