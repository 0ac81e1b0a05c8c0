"""The workflow: act, look until the run has ended, report. One task per request."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import cast

import httpx
from pydantic import JsonValue

from simulators.logic_app.carriers import CannotAct, Carrier, carrier_for
from simulators.logic_app.scripts import ReportScript, SystemScript, WorkflowScript

Json = Mapping[str, object]
_TRIES = 20  # how often the workflow's own retry policy repeats a callback nobody answers
_PAUSE_SECONDS = 0.25
_FROM = 500  # statuses from here on are worth another try


@dataclass(slots=True)
class Report:
    """A callback as it was sent, and what was answered; 0: nobody did."""

    body: JsonValue
    status: int


@dataclass(slots=True)
class WorkflowRun:
    """One run of the workflow, as its run history would show it."""

    id: str
    tracking_id: str
    request: Json
    state: str = "Running"
    run_ids: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    problem: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it for the controls, without the token."""
        shown = {k: v for k, v in self.request.items() if k != "callback_token"}
        return {**asdict(self), "request": shown}


class Workflows:
    """All runs of the workflow, and what it can act on."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.systems: dict[str, SystemScript] = {}
        self.clear()

    def clear(self) -> None:
        """Forget runs and scripts, and stop what goes on; the systems stay known."""
        self.interrupt()
        self.runs: list[WorkflowRun] = []
        self.scripts: dict[str, WorkflowScript] = {}

    def interrupt(self) -> None:
        """Stop every run that goes on."""
        for task in self._tasks:
            task.cancel()

    def start(self, run: WorkflowRun) -> None:
        """Let the workflow run."""
        self.runs.append(run)
        parameters = cast("Json", run.request.get("parameters") or {})
        target = str(parameters.get("target", ""))
        script = self.scripts.get(target) or self.scripts.get("*") or WorkflowScript()
        task = asyncio.get_running_loop().create_task(self._work(run, script))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, run: WorkflowRun, script: WorkflowScript) -> None:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            early = [one for one in script.reports if one.at == "start"]
            told = asyncio.gather(*(self._report(http, run, one, None) for one in early))
            try:
                end = await self._act(http, run, script)
            except (CannotAct, httpx.HTTPError, LookupError, ValueError) as error:
                end, run.problem = ("Failed", str(error) or repr(error)), repr(error)
            if end is not None:
                late = [one for one in script.reports if one.at == "end"]
                await asyncio.gather(*(self._report(http, run, one, end) for one in late))
            await told
        run.state = "Failed" if run.problem else "Succeeded"

    async def _act(
        self, http: httpx.AsyncClient, run: WorkflowRun, script: WorkflowScript
    ) -> tuple[str, str] | None:
        if not script.acts:
            return None
        await asyncio.sleep(script.delay_seconds)
        carrier = self._carrier(http, cast("Json", run.request["resource"]))
        for _ in range(1 + script.acts_twice):
            run.run_ids.append(
                await carrier.act(
                    str(run.request["action"]), cast("Json", run.request["parameters"])
                )
            )
        while True:
            await asyncio.sleep(script.poll_seconds)
            end = await carrier.ended(run.run_ids[0])
            if end is not None:
                return end

    def _carrier(self, http: httpx.AsyncClient, resource: Json) -> Carrier:
        system = self.systems.get(str(resource["platform"]))
        if system is None:
            raise CannotAct(f"the workflow has no connection to {resource['platform']}")
        return carrier_for(http, system, resource)

    async def _report(
        self,
        http: httpx.AsyncClient,
        run: WorkflowRun,
        script: ReportScript,
        end: tuple[str, str] | None,
    ) -> None:
        await asyncio.sleep(script.after_seconds)
        body = _body(run, script, end)
        for _ in range(script.times):
            status = await self._post(http, run, script, body)
            run.reports.append(Report(body, status))

    async def _post(
        self, http: httpx.AsyncClient, run: WorkflowRun, script: ReportScript, body: JsonValue
    ) -> int:
        headers = {"X-Mend-Token": script.token or str(run.request.get("callback_token", ""))}
        status = 0
        for _ in range(_TRIES):
            try:
                answer = await http.post(
                    str(run.request["callback_url"]), json=body, headers=headers
                )
            except httpx.HTTPError:
                status = 0
            else:
                status = answer.status_code
            if 0 < status < _FROM:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return status


def _body(run: WorkflowRun, script: ReportScript, end: tuple[str, str] | None) -> JsonValue:
    if script.body is not None:
        return script.body
    status, message = end or ("InProgress", "")
    status = script.status or status
    success = (status == "Succeeded") if script.success is None else script.success
    true_run = run.run_ids[0] if run.run_ids else None
    return {
        "ticket_id": script.ticket_id or str(run.request["ticket_id"]),
        "status": status,
        "success": success,
        "remediation_run_id": None if script.without_run_id else script.run_id or true_run,
        "attempt_number": script.attempt_number or cast("int", run.request["attempt_number"]),
        "error_message": None if success else message,
    }
