"""Scripts simulators over HTTP: the ``/_sim`` controls as typed Python.

For demos and tests. Needs httpx only, and knows the wire, not the simulators' code; the
scenarios are plain data. Calls block; they go to another process on loopback and are short.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import httpx

from simulators.adf.scenarios import Scenario

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
Json = Mapping[str, object]


class SimulatorError(Exception):
    """A simulator did not start, or refused a control call; the message says why."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One call that reached a simulated service.

    Attributes:
        status: What was answered; ``None`` when the connection was cut instead.
        effect: What came of it, for instance the new run's id; ``None`` if nothing.
        fault: The ordered fault that struck it, if any.
    """

    seq: int
    at: str
    action: str
    target: str
    method: str
    path: str
    query: Mapping[str, str]
    body: object
    status: int | None
    effect: str | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A run as it really is, also when the service does not show it yet.

    Attributes:
        wire: The run in the service's own JSON, with its ``activities``.
    """

    run_id: str
    group_id: str
    pipeline: str
    status: str
    message: str | None
    is_latest: bool
    parameters: Mapping[str, str]
    reference_run_id: str | None
    wire: Json

    @classmethod
    def from_wire(cls, run: Json) -> Self:
        """Read a run from a control's answer."""
        return cls(
            run_id=str(run["runId"]),
            group_id=str(run["runGroupId"]),
            pipeline=str(run["pipelineName"]),
            status=str(run["status"]),
            message=None if run["message"] is None else str(run["message"]),
            is_latest=bool(run["isLatest"]),
            parameters=cast("Mapping[str, str]", run["parameters"]),
            reference_run_id=cast("str | None", run["referenceRunId"]),
            wire=run,
        )


class Simulator:
    """A running simulator and its shared controls. Use ``start`` or ``attach``.

    Args:
        url: Base URL, for instance ``http://127.0.0.1:8700``.
        process: The process to stop, if it was started here.
    """

    name = ""

    def __init__(self, url: str, process: "SimulatorProcess | None" = None) -> None:
        self.url = url.rstrip("/")
        self._process = process
        self._http = httpx.Client(base_url=f"{self.url}/_sim", timeout=30, trust_env=False)

    @classmethod
    def start(cls, *, port: int = 0, token: str | None = None, manual_clock: bool = False) -> Self:
        """Start the simulator in its own process and wait until it accepts calls.

        It ends with ``stop``, and by itself when the starting process dies.

        Args:
            port: 0 takes a free one.
            token: Bearer token that callers of the service must show.
            manual_clock: Let time pass only by ``advance``.

        Raises:
            SimulatorError: it did not start; with what it wrote to standard error.
        """
        arguments = ["--port", str(port)]
        arguments += ["--token", token] if token else []
        arguments += ["--clock", "manual"] if manual_clock else []
        process = SimulatorProcess(cls.name, arguments)
        return cls(process.url, process)

    @classmethod
    def attach(cls, url: str) -> Self:
        """Control a simulator that already runs, for instance one started with make up."""
        return cls(url)

    def fault(  # noqa: PLR0913 - an order has these fields
        self,
        action: str,
        fault: str,
        times: int = 1,
        *,
        match: str | None = None,
        after: int = 0,
        seconds: float | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Let coming calls of ``action`` go wrong.

        Args:
            action: For instance ``createRun``; ``*`` means any.
            fault: For instance ``lose_answer_504``; all are in simulators/adf/README.md.
            times: How many calls it strikes.
            match: Only for this pipeline, run id or trigger; ``*`` and ``?`` are allowed.
            after: How many matching calls pass unharmed first.
            seconds: How long ``hold`` and ``slow_before`` wait (5 by default).
            retry_after: Seconds in ``Retry-After``; by default 1 where a fault has one.
        """
        order = {
            "action": action,
            "fault": fault,
            "times": times,
            "match": match,
            "after": after,
            "seconds": seconds,
            "retry_after": retry_after,
        }
        self._send("POST", "/faults", _given(order))

    def clear_faults(self) -> None:
        """Drop the orders that are still open."""
        self._send("DELETE", "/faults")

    def ledger(self, action: str | None = None, *, after: int = 0) -> list[LedgerEntry]:
        """Return the calls since ``seq`` ``after``, oldest first, of one action or of all."""
        asked = {"after": str(after)} | ({"action": action} if action else {})
        found = self._send("GET", "/ledger", query=asked)
        return [LedgerEntry(**entry) for entry in cast("list[dict[str, object]]", found["entries"])]  # type: ignore[arg-type]

    def effects(self, action: str) -> list[str]:
        """Return what really came of the calls of ``action``, without those that did nothing."""
        return [entry.effect for entry in self.ledger(action) if entry.effect is not None]

    def in_flight(self) -> int:
        """Return how many calls are being answered or held just now."""
        return cast("int", self._send("GET", "/health")["in_flight"])

    def advance(self, seconds: float) -> None:
        """Move a manual clock on."""
        self._send("POST", "/clock/advance", {"seconds": seconds})

    def now(self) -> str:
        """Return the simulator's time, ISO 8601 UTC."""
        return str(self._send("GET", "/clock")["now"])

    def reset(self) -> None:
        """Be as freshly started: nothing scripted, no runs, no faults, an empty ledger.

        A manual clock shows the present again.
        """
        self._send("POST", "/reset")

    def stop(self) -> None:
        """Close the client, and end the process if it was started here."""
        self._http.close()
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        answer = self._http.request(method, path, json=body, params=query)
        if answer.is_error:
            raise SimulatorError(f"{method} {path}: {answer.status_code} {answer.text}")
        return cast("Json", answer.json())


class AdfSimulator(Simulator):
    """Azure Data Factory: what pipelines do, and which runs are already there."""

    name = "adf"

    def script(
        self,
        pipeline: str,
        runs: str | Sequence[str | Json] = ("Succeeded",),
        *,
        parameters: Json | None = None,
        concurrency: int | None = None,
        activities: Sequence[str | Json] = (),
    ) -> None:
        """Declare a pipeline and say how its coming runs go; the last one repeats.

        Args:
            runs: One status for all, or a list: each a status or the fields of ``RunScript``
                (status, seconds, queued_seconds, status_path, error, failed_activity, …).
                A mere status is reached after 0.2 seconds.
            parameters: Declared parameters and their defaults.
            concurrency: Runs at a time; more of them queue.
            activities: In order; each a name (of a copy activity) or ``{"name", "type"}``.
        """
        body = {
            "name": pipeline,
            "runs": [
                {"status": run, "seconds": 0.2} if isinstance(run, str) else dict(run)
                for run in ([runs] if isinstance(runs, str) else runs)
            ],
            "parameters": dict(parameters or {}),
            "concurrency": concurrency,
            "activities": [
                {"name": one} if isinstance(one, str) else dict(one) for one in activities
            ],
        }
        self._send("POST", "/adf/pipelines", _given(body))

    def seed_run(self, pipeline: str, status: str = "Succeeded", **fields: object) -> PipelineRun:
        """Put a run there that was started in the past; ``fields`` are those of ``SeedRun``."""
        body = {"pipeline": pipeline, "status": status, **fields}
        return PipelineRun.from_wire(self._send("POST", "/adf/runs", body))

    def seed_failed_run(
        self,
        pipeline: str,
        *,
        activity: str = "Copy data",
        activity_type: str = "Copy",
        error_code: str = "2200",
        message: str = "Failure happened on 'Sink' side.",
        failure_type: str = "UserError",
        **fields: object,
    ) -> PipelineRun:
        """Put a run there that failed just now in ``activity`` with this error."""
        error = {"errorCode": error_code, "message": message, "failureType": failure_type}
        return self.seed_run(
            pipeline,
            "Failed",
            error=error,
            failed_activity=activity,
            activity_type=activity_type,
            **fields,
        )

    def seed_scenario(
        self, scenario: Scenario, *, pipeline: str | None = None, **fields: object
    ) -> PipelineRun:
        """Put the scenario's failed run there and script how reruns of its pipeline go.

        Args:
            pipeline: Another pipeline name than the scenario's.
            fields: Further fields of ``SeedRun``, for instance ``parameters`` or ``factory``.
        """
        name = pipeline or scenario.pipeline
        self.script(name, scenario.reruns, activities=scenario.activities)
        return self.seed_run(name, **{**scenario.run, **fields})  # type: ignore[arg-type]

    def runs(self, pipeline: str | None = None) -> list[PipelineRun]:
        """Return the runs there really are, oldest first, of one pipeline or of all."""
        found = cast("list[Json]", self._send("GET", "/adf/runs")["runs"])
        runs = [PipelineRun.from_wire(run) for run in found]
        return [run for run in runs if pipeline is None or run.pipeline == pipeline]

    def switch(self, **switches: object) -> None:
        """Change behaviour of the whole simulator; the fields are those of ``Switches``."""
        self._send("PUT", "/adf/switches", switches)

    def trigger(
        self,
        name: str,
        *,
        pipeline: str | None = None,
        kind: str = "ScheduleTrigger",
        state: str = "Started",
    ) -> None:
        """Declare a trigger."""
        body = {"name": name, "type": kind, "state": state, "pipeline": pipeline}
        self._send("POST", "/adf/triggers", body)

    def seed_trigger_run(
        self, trigger: str, *, run_id: str | None = None, status: str = "Failed"
    ) -> str:
        """Put a past firing of a declared trigger there and return its id."""
        body = _given({"trigger": trigger, "run_id": run_id, "status": status})
        return str(self._send("POST", "/adf/trigger-runs", body)["triggerRunId"])

    def integration_runtime(
        self,
        name: str,
        state: str = "Online",
        *,
        kind: str = "SelfHosted",
        state_path: Sequence[tuple[str, float]] = (),
        nodes: Sequence[Json] = (),
    ) -> None:
        """Declare an integration runtime.

        Args:
            state: Where it ends up.
            state_path: States before that, each with its seconds.
        """
        body = {
            "name": name,
            "type": kind,
            "state": state,
            "state_path": [{"status": one, "seconds": seconds} for one, seconds in state_path],
            "nodes": list(nodes),
        }
        self._send("POST", "/adf/integration-runtimes", body)


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job run as it really is.

    Attributes:
        wire: The run in the platform's own JSON, with its tasks and repair history.
    """

    run_id: str
    job_id: str
    job: str
    status: str
    wire: Json

    @classmethod
    def from_wire(cls, run: Json) -> Self:
        """Read a run from a control's answer."""
        state = cast("Json", run["state"])
        return cls(
            run_id=str(run["run_id"]),
            job_id=str(run["job_id"]),
            job=str(run["run_name"]),
            status=str(state.get("result_state") or state["life_cycle_state"]),
            wire=run,
        )

    @property
    def repairs(self) -> int:
        """How often it was repaired."""
        return len(cast("list[Json]", self.wire["repair_history"])) - 1

    @property
    def task_run_ids(self) -> list[str]:
        """The runs of its tasks, one per try."""
        return [str(task["run_id"]) for task in cast("list[Json]", self.wire["tasks"])]

    def notification(self, *, event: str = "jobs.on_failure", numbers: bool = False) -> Json:
        """Return what the platform posts about it, with ids as text or as numbers."""
        run_id: object = int(self.run_id) if numbers else self.run_id
        job_id: object = int(self.job_id) if numbers else self.job_id
        return {
            "event_type": event,
            "workspace_id": "4400000000000001",
            "run": {"run_id": run_id},
            "job": {"job_id": job_id, "name": self.job},
        }


class DatabricksSimulator(Simulator):
    """A Databricks workspace: its jobs, its clusters, and which runs are already there."""

    name = "databricks"

    def job(self, name: str, tasks: Sequence[Json], **fields: object) -> str:
        """Declare a job and return its id.

        Args:
            tasks: Each the fields of ``TaskScript``: key, tries, existing_cluster_id, ...
            fields: Further fields of ``JobScript``: parameters, job_clusters, ...
        """
        body = {"name": name, "tasks": [dict(task) for task in tasks], **fields}
        return str(self._send("POST", "/databricks/jobs", body)["job_id"])

    def cluster(self, cluster_id: str, **fields: object) -> None:
        """Declare a cluster; ``fields`` are those of ``ClusterScript``."""
        self._send("POST", "/databricks/clusters", {"cluster_id": cluster_id, **fields})

    def seed_run(self, job: str, **fields: object) -> JobRun:
        """Put a run there that began in the past; ``fields`` are those of ``SeedRun``."""
        return JobRun.from_wire(self._send("POST", "/databricks/runs", {"job": job, **fields}))

    def statement(self, statement: str, value: object = None, **fields: object) -> None:
        """Say what comes of a SQL statement; ``fields`` are those of ``StatementScript``."""
        text = None if value is None else str(value)
        body = _given({"statement": statement, "value": text, **fields})
        self._send("POST", "/databricks/statements", body)

    def runs(self, job: str | None = None) -> list[JobRun]:
        """Return the runs there really are, oldest first, of one job or of all."""
        found = cast("list[Json]", self._send("GET", "/databricks/runs")["runs"])
        runs = [JobRun.from_wire(run) for run in found]
        return [run for run in runs if job is None or run.job == job]


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """A run of the Logic App's workflow.

    Attributes:
        run_ids: The pipeline or job runs it started.
        reports: Its callbacks, each with the ``body`` and the ``status`` that was answered.
    """

    id: str
    tracking_id: str
    request: Json
    state: str
    run_ids: list[str]
    reports: list[Json]
    problem: str


class LogicAppSimulator(Simulator):
    """A Logic App that carries out actions and calls back."""

    name = "logic-app"

    @property
    def trigger_url(self) -> str:
        """The URL of its Request trigger, with the signature."""
        path = "/workflows/heal/triggers/manual/paths/invoke"
        return f"{self.url}{path}?api-version=2016-10-01&sig=simulated-signature"

    def connect(
        self, *systems: "AdfSimulator | DatabricksSimulator", token: str | None = None
    ) -> None:
        """Let the workflow act on ``systems``, which may want to be shown ``token``."""
        shown = {"token": token} if token else {}
        for system in systems:
            body = {"kind": system.name, "url": system.url, **shown}
            self._send("PUT", "/logic-app/systems", body)

    def script(self, target: str = "*", **fields: object) -> None:
        """Say how requests about ``target`` are treated; fields are those of ``WorkflowScript``."""
        self._send("POST", "/logic-app/scripts", {"target": target, **fields})

    def workflow_runs(self) -> list[WorkflowRun]:
        """Return the runs of the workflow, oldest first."""
        found = cast("list[dict[str, object]]", self._send("GET", "/logic-app/runs")["runs"])
        return [WorkflowRun(**run) for run in found]  # type: ignore[arg-type]


class IdentitySimulator(Simulator):
    """An identity provider: tokens with any claims, keys that are rotated, people who sign in."""

    name = "identity"

    def authority(self, tenant: str) -> str:
        """What pages call their authority."""
        return f"{self.url}/{tenant}/v2.0"

    def keys_url(self, tenant: str) -> str:
        """Where it shows the public keys."""
        return f"{self.url}/{tenant}/discovery/v2.0/keys"

    def token(self, tenant: str, claims: Json, **fields: object) -> str:
        """Return a signed token; ``fields`` are those of ``TokenScript``."""
        body = {"tenant": tenant, "claims": dict(claims), **fields}
        return str(self._send("POST", "/identity/tokens", body)["token"])

    def rotate(self, *, keep: bool = True) -> list[str]:
        """Sign with a new key from now on; return the kids that are published."""
        found = self._send("POST", "/identity/rotations", {"keep": keep})
        return cast("list[str]", found["kids"])

    def register(
        self, tenant: str, client_id: str, redirect_uris: Sequence[str], **fields: object
    ) -> None:
        """Have an app that people sign in to; ``fields`` are those of ``ApplicationScript``."""
        body = {"tenant": tenant, "client_id": client_id, "redirect_uris": list(redirect_uris)}
        self._send("PUT", "/identity/applications", {**body, **fields})

    def invite(self, username: str, *roles: str, name: str = "") -> None:
        """Have somebody in the directory, with these roles from now on."""
        self._send(
            "PUT", "/identity/people", {"username": username, "roles": list(roles), "name": name}
        )

    def revoke(self, username: str) -> int:
        """Refuse every renewal to what they have been given so far; return how much that was."""
        return cast(
            "int", self._send("POST", "/identity/revocations", {"username": username})["revoked"]
        )


class KeyVaultSimulator(Simulator):
    """A Key Vault: secrets with versions."""

    name = "key-vault"

    def put(self, name: str, value: str, *, enabled: bool = True) -> str:
        """Make a new version the current one and return its number."""
        body = {"name": name, "value": value, "enabled": enabled}
        return str(self._send("POST", "/key-vault/secrets", body)["version"])


class ModelSimulator(Simulator):
    """A language model behind an OpenAI-compatible endpoint."""

    name = "model-endpoint"

    @property
    def base_url(self) -> str:
        """What clients call its base URL."""
        return f"{self.url}/v1/"

    def behave(self, mode: str = "honest", answer: object = None, **fields: object) -> None:
        """Behave so from now on; ``fields`` are those of ``ModelScript``.

        Args:
            answer: To every prompt; for one per prompt give ``answers``.
        """
        table = {"answers": [{"answer": answer}]} if answer is not None else {}
        self._send("PUT", "/model-endpoint/script", {"mode": mode, **table, **fields})

    def prompts(self) -> list[str]:
        """Return all that it was told, one text per question, oldest first."""
        return cast("list[str]", self._send("GET", "/model-endpoint/prompts")["prompts"])


class SlackSimulator(Simulator):
    """A Slack workspace."""

    name = "slack"
    token = "xoxb-simulated"  # noqa: S105 - of a simulator
    signing_secret = "simulated-signing-secret"  # noqa: S105 - the same

    @property
    def base_url(self) -> str:
        """The address of its Web API."""
        return f"{self.url}/api/"

    def messages(self) -> list[dict[str, object]]:
        """Return what stands in the channels, oldest first, replies included."""
        return cast("list[dict[str, object]]", self._send("GET", "/slack/messages")["messages"])

    def delete(self, ts: str) -> None:
        """Delete a message, as a person can."""
        self._send("POST", "/slack/deletions", {"ts": ts})

    def click(self, action_id: str, value: str, **fields: object) -> tuple[str, dict[str, str]]:
        """Return body and headers of what a click sends; fields are those of ``ClickScript``."""
        script = {"action_id": action_id, "value": value, **fields}
        found = self._send("POST", "/slack/clicks", script)
        return str(found["body"]), cast("dict[str, str]", found["headers"])

    def replies_to_clicks(self) -> list[dict[str, object]]:
        """Return what people were told who have clicked, oldest first."""
        found = self._send("GET", "/slack/replies")
        return cast("list[dict[str, object]]", found["replies"])


class JiraSimulator(Simulator):
    """A Jira site."""

    name = "jira"
    user = "mend@example.com"
    token = "simulated"  # noqa: S105 - of a simulator

    def issues(self) -> list[dict[str, object]]:
        """Return every issue with its comments and moves, oldest first."""
        return cast("list[dict[str, object]]", self._send("GET", "/jira/issues")["issues"])

    def lag(self, seconds: float) -> None:
        """Let the search know of a change only after ``seconds``."""
        self._send("PUT", "/jira/switches", {"index_seconds": seconds})

    def move(self, key: str, transition: str) -> None:
        """Move an issue, as a person can."""
        self._send("POST", "/jira/moves", {"key": key, "transition": transition})


class TeamsSimulator(Simulator):
    """A Teams workflow that posts cards into a channel."""

    name = "teams"

    @property
    def webhook_url(self) -> str:
        """The address of the workflow, with its signature."""
        path = "/workflows/tell/triggers/manual/paths/invoke"
        return f"{self.url}{path}?api-version=2016-06-01&sig=simulated-signature"

    def cards(self) -> list[dict[str, object]]:
        """Return the cards that were posted, oldest first."""
        return cast("list[dict[str, object]]", self._send("GET", "/teams/cards")["cards"])


class SmtpSimulator(Simulator):
    """A mail server."""

    name = "smtp"

    def mail_url(self, password: str = "simulated") -> str:  # noqa: S107 - of a simulator
        """Return where mail is sent to, and as whom."""
        address = self._send("GET", "/smtp/address")
        return f"smtp://mend:{password}@{address['host']}:{address['port']}"

    def certificate(self) -> str:
        """Return what it shows after STARTTLS, as PEM."""
        return self._http.get("/smtp/certificate").text

    def mails(self) -> list[dict[str, object]]:
        """Return what was accepted, oldest first."""
        return cast("list[dict[str, object]]", self._send("GET", "/smtp/mails")["mails"])

    def switch(self, **switches: object) -> None:
        """Change what the server offers and asks for; the fields are those of ``SwitchScript``."""
        self._send("PUT", "/smtp/switches", switches)


class SimulatorProcess:
    """``python -m simulators NAME`` as a child process.

    Args:
        name: Which simulator.
        arguments: Further ones for the command line.

    Raises:
        SimulatorError: it did not say where it listens.
    """

    def __init__(self, name: str, arguments: Sequence[str]) -> None:
        with contextlib.ExitStack() as undo:
            self._errors = undo.enter_context(tempfile.TemporaryFile())
            command = [sys.executable, "-m", "simulators", name, "--stop-with-stdin", *arguments]
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
            undo.callback(self._end)
            self.url = self._address(name)
            undo.pop_all()

    def stop(self) -> None:
        """End the process and wait for it."""
        self._end()
        self._errors.close()

    def _address(self, name: str) -> str:
        with _deadline(self._child):
            for line in self._lines():
                if line.startswith(f"Listening on {name} "):
                    return line.split()[-1]
        self._child.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()
        raise SimulatorError(
            f"simulator {name} did not start (status {self._child.returncode}): {said}"
        )

    def _lines(self) -> Iterator[str]:
        if self._child.stdout is not None:
            yield from self._child.stdout

    def _end(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def _deadline(child: "subprocess.Popen[str]") -> Iterator[None]:
    """Kill ``child`` unless the block ends in time, so that reading from it cannot hang."""
    timer = threading.Timer(_START_SECONDS, child.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _given(fields: Json) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
