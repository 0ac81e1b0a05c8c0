"""The operations of the REST surface: from a call to the model and back."""

from collections.abc import Callable
from typing import cast

from simulators.adf import refusals, wire
from simulators.adf.model import DataFactory, RunRequest
from simulators.adf.query import (
    ACTIVITY_RUNS,
    PIPELINE_RUNS,
    TRIGGER_RUNS,
    Pages,
    Row,
    read_query,
)
from simulators.adf.scripts import InvokedBy
from simulators.adf.triggers import IntegrationRuntimes, Triggers
from simulators.kit.clock import Clock
from simulators.kit.service import Answer, Call


class Operations:
    """All there is in the simulated factories, and what can be asked of it.

    Each operation takes a ``Call`` whose ``names`` hold the factory's resource id under
    ``factory`` and the parts of the path; it may raise ``Refused``.
    """

    def __init__(self, clock: Clock) -> None:
        self.model = DataFactory(clock)
        self.triggers = Triggers()
        self.runtimes = IntegrationRuntimes()
        self._pages = Pages()

    def clear(self) -> None:
        """Forget everything."""
        self.model.clear()
        self.triggers.clear()
        self.runtimes.clear()
        self._pages.clear()

    def create_run(self, call: Call) -> Answer:
        """Pipelines - Create Run."""
        body = call.body if call.body is not None else {}
        if not isinstance(body, dict):
            raise refusals.bad_request("The parameters must be a JSON object.", "parameters")
        run = self.model.create_run(
            RunRequest(
                factory=_factory(call),
                pipeline=call.names["pipeline"],
                parameters=cast("dict[str, object]", body),
                reference_run_id=call.query.get("referencepipelinerunid"),
                is_recovery=_flag(call, "isRecovery"),
                start_activity=call.query.get("startactivityname"),
                start_from_failure=_flag(call, "startFromFailure"),
                client_request_id=call.headers.get("x-ms-client-request-id"),
            )
        )
        return Answer(200, {"runId": run.run_id}, effect=run.run_id)

    def get_pipeline(self, call: Call) -> Answer:
        """Pipelines - Get."""
        pipeline = self.model.pipeline(call.names["pipeline"])
        return Answer(200, wire.pipeline_definition(pipeline, call.names["factory"]))

    def get_run(self, call: Call) -> Answer:
        """Pipeline Runs - Get."""
        run = self.model.run(_factory(call), call.names["run"])
        return Answer(200, wire.pipeline_run(self.model, run, call.names["factory"]))

    def cancel_run(self, call: Call) -> Answer:
        """Pipeline Runs - Cancel; the effect names every run that was made to stop."""
        stopped = self.model.cancel(
            _factory(call), call.names["run"], recursive=_flag(call, "isRecursive")
        )
        return Answer(200, effect=",".join(run.run_id for run in stopped) or None)

    def query_runs(self, call: Call) -> Answer:
        """Pipeline Runs - Query By Factory."""
        query = read_query(call.body, PIPELINE_RUNS)

        def find() -> list[Row]:
            now = self.model.now()
            return query.select(
                [
                    wire.pipeline_run(self.model, run, call.names["factory"])
                    for run in self.model.runs(_factory(call))
                    if query.covers(run.updated_at(now))
                ]
            )

        return Answer(200, self._pages.page(query, find))

    def query_activity_runs(self, call: Call) -> Answer:
        """Activity Runs - Query By Pipeline Run."""
        run = self.model.run(_factory(call), call.names["run"])
        query = read_query(call.body, ACTIVITY_RUNS)

        def find() -> list[Row]:
            return query.select(
                [
                    wire.activity_run(run, activity)
                    for activity in run.activity_runs(self.model.now())
                    if query.covers(activity.updated_at)
                ]
            )

        return Answer(200, self._pages.page(query, find))

    def get_trigger(self, call: Call) -> Answer:
        """Triggers - Get."""
        trigger = self.triggers.get(call.names["trigger"])
        return Answer(200, wire.trigger_definition(trigger, call.names["factory"]))

    def start_trigger(self, call: Call) -> Answer:
        """Triggers - Start."""
        return self._set_state(call, "Started")

    def stop_trigger(self, call: Call) -> Answer:
        """Triggers - Stop."""
        return self._set_state(call, "Stopped")

    def rerun_trigger(self, call: Call) -> Answer:
        """Trigger Runs - Rerun: the pipeline again for the same window, in a group of its own."""
        original = self.triggers.run(call.names["trigger"], call.names["triggerRun"])
        trigger, started = original.trigger, None
        if trigger.pipeline is not None:
            by = InvokedBy(
                id=original.trigger_run_id, name=trigger.name, invoked_by_type=trigger.type
            )
            request = RunRequest(
                _factory(call),
                trigger.pipeline,
                parameters=self.model.parameters_of(original.pipeline_run_id),
                invoked_by=by,
            )
            started = self.model.create_run(request).run_id
        again = self.triggers.rerun(original, started, self.model.now())
        return Answer(200, effect=started or again.trigger_run_id)

    def query_trigger_runs(self, call: Call) -> Answer:
        """Trigger Runs - Query By Factory."""
        query = read_query(call.body, TRIGGER_RUNS)

        def find() -> list[Row]:
            runs = [run for run in self.triggers.runs() if query.covers(run.at)]
            return query.select([wire.trigger_run(run) for run in runs])

        return Answer(200, self._pages.page(query, find))

    def get_runtime_status(self, call: Call) -> Answer:
        """Integration Runtimes - Get Status."""
        script, state = self.runtimes.get(call.names["runtime"], self.model.now())
        return Answer(200, wire.runtime_status(script, state, call.names["factory"]))

    def _set_state(self, call: Call, state: str) -> Answer:
        name = call.names["trigger"]
        changed = self.triggers.set_state(name, state)
        return Answer(200, effect=f"{name} {state}" if changed else None)


Operate = Callable[[Operations, Call], Answer]


def _factory(call: Call) -> str:
    return call.names["factory"].casefold()


def _flag(call: Call, name: str) -> bool:
    text = call.query.get(name.lower(), "false").lower()
    if text not in {"true", "false"}:
        raise refusals.bad_request(f"The value '{text}' is not valid for Boolean.", name)
    return text == "true"
