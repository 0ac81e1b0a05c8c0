"""Databricks: jobs 2.2, clusters 2.1 and libraries 2.0, as plain JSON.

What is read stays in the platform's own words, so that a state nobody has heard of is
"not over yet" and never an error.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field, JsonValue, ValidationError

from shared.connectors.databricks_wire import SYSTEM, Json, Token, Workspaces
from shared.domain.alert import Resource, TimeWindow
from shared.domain.errors import ConnectorError, OutcomeUnknown, Refused, Transient
from shared.domain.run import RunPhase, RunSnapshot, StepFailure
from shared.ports.jobs import Cluster, JobRun, Library, Repair

_MAX_PAGES = 200
_LONG_RUN_MS = 12 * 3_600_000
_MAX_DEPTH = 6  # of run_job_task inside run_job_task
_MESSAGE_LIMIT = 8_000
_OVER = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}
_GOOD = {"SUCCESS", "SUCCESS_WITH_FAILURES"}
_STOPPED = {"CANCELED", "USER_CANCELED", "CANCELLED"}
# Tasks that did not run because another one failed say nothing about the cause.
_FOLLOWS = {"UPSTREAM_FAILED", "UPSTREAM_CANCELED", "EXCLUDED", "SKIPPED", "DISABLED"}
_CLUSTER_TROUBLE = ("CLUSTER", "CLOUD", "DRIVER", "LIBRARY", "INTERNAL_ERROR")
_UNKNOWN = ("does not exist", "RESOURCE_DOES_NOT_EXIST", "not found")


class Databricks:
    """Implements :class:`~shared.ports.jobs.JobService`.

    Args:
        default_host: The workspace that the settings name, with its scheme.
        token: Static, or what gives it; ``None``: Entra ID.
        timeout_seconds: For connecting and for each read.
        refused: Told that the token was; ``True``: there is another one now.
    """

    def __init__(
        self,
        default_host: str | None,
        token: Token | None = None,
        *,
        timeout_seconds: float = 30,
        refused: Callable[[], bool] = bool,
    ) -> None:
        self._wire = Workspaces(
            default_host, token, timeout_seconds=timeout_seconds, refused=refused
        )

    async def close(self) -> None:
        """Release the threads."""
        self._wire.close()

    async def reach(self) -> str:
        """See :class:`~shared.ports.connections.Reachable`: the newest run, whichever it is."""
        answer = await self._wire.read("", "list runs", "/api/2.2/jobs/runs/list", limit=1)
        return "it lists its runs" if answer.get("runs") else "it lists its runs: there are none"

    # -- RunReader ---------------------------------------------------------------------

    async def run(self, resource: Resource, run_id: str) -> RunSnapshot | None:
        """See the protocol."""
        run = await self._run(resource, run_id)
        return None if run is None else _snapshot(run)

    async def failures(self, resource: Resource, run: RunSnapshot) -> tuple[StepFailure, ...]:
        """See the protocol."""
        return tuple(await self._failures(resource, run.run_id, _MAX_DEPTH))

    async def definition(self, resource: Resource, name: str) -> object:  # noqa: ARG002
        """See :class:`~shared.ports.runs.DefinitionReader`: a notebook could do anything."""
        return None

    async def output(self, resource: Resource, run: RunSnapshot, step: str) -> JsonValue:
        """See :class:`~shared.ports.measures.OutputReader`: what a notebook exits with."""
        whole = await self._run(resource, run.run_id)
        for task in whole.latest_tasks() if whole else ():
            if task.key.casefold() == step.casefold():
                answer = await self._wire.read(
                    resource.scope,
                    f"output of task {task.key!r}",
                    "/api/2.2/jobs/runs/get-output",
                    run_id=str(task.run_id),
                )
                notebook = answer.get("notebook_output")
                return notebook.get("result") if isinstance(notebook, dict) else None
        return None

    async def query(self, warehouse: str, sql: str) -> JsonValue:
        """See :class:`~shared.ports.measures.Warehouse`; on the default workspace."""
        asked = f"query on warehouse {warehouse}"
        body = {
            "warehouse_id": warehouse,
            "statement": sql,
            "wait_timeout": "20s",
            "on_wait_timeout": "CANCEL",
            "row_limit": 1,
        }
        answer = await self._wire.ask("", asked, "/api/2.0/sql/statements", body)
        status = answer.get("status")
        state = status.get("state") if isinstance(status, dict) else None
        if state != "SUCCEEDED":
            error = status.get("error") if isinstance(status, dict) else None
            said = error.get("message") if isinstance(error, dict) else ""
            raise Refused(SYSTEM, f"{asked}: {state} {_text(said)[:300]}".rstrip())
        result = answer.get("result")
        rows = result.get("data_array") if isinstance(result, dict) else None
        first = rows[0] if isinstance(rows, list) and rows else None
        return first[0] if isinstance(first, list) and first else None

    async def runs(
        self, resource: Resource, target: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """See the protocol. A job of which only the name is known has no runs to be found."""
        if not target.isdigit():
            return ()
        query = {
            "job_id": target,
            # Runs that began a day before the window may have gone on in it.
            "start_time_from": int(window.start.timestamp() * 1000) - 86_400_000,
            "start_time_to": int(window.end.timestamp() * 1000),
        }
        found = [_snapshot(run) async for run in self._list(resource, "list runs", **query)]
        mine = [run for run in found if run.target_id == target and _touches(run, window)]
        return tuple(sorted(mine, key=_start, reverse=True))

    async def failed_runs(self, resource: Resource, window: TimeWindow) -> tuple[RunSnapshot, ...]:
        """Return the job runs of the workspace that failed in ``window``.

        Raises as :meth:`runs` does.
        """
        query = {
            "completed_only": "true",
            # There is no filter by end: of longer runs only the webhook tells.
            "start_time_from": int(window.start.timestamp() * 1000) - _LONG_RUN_MS,
            "start_time_to": int(window.end.timestamp() * 1000),
        }
        found = [_snapshot(run) async for run in self._list(resource, "list failed runs", **query)]
        return tuple(
            run
            for run in found
            if run.phase is RunPhase.FAILED
            and run.ended_at is not None
            and window.start <= run.ended_at < window.end
        )

    # -- runs --------------------------------------------------------------------------

    async def job_run(self, resource: Resource, run_id: str) -> JobRun | None:
        """See the protocol."""
        run = await self._run(resource, run_id)
        if run is None:
            return None
        return JobRun(
            run_id=str(run.run_id),
            job_id=str(run.job_id or ""),
            phase=run.phase,
            status=run.word,
            repairs=tuple(repair.to_port() for repair in run.repair_history),
            parameters=run.given,
        )

    async def repair(
        self,
        resource: Resource,
        run_id: str,
        *,
        latest_repair_id: str | None,
        parameters: Mapping[str, str],
    ) -> str:
        """See the protocol."""
        body: Json = {
            "run_id": _number(run_id),
            "rerun_all_failed_tasks": True,
            "rerun_dependent_tasks": True,
        }
        if latest_repair_id is not None:
            body["latest_repair_id"] = _number(latest_repair_id)
        if parameters:
            body["job_parameters"] = dict(parameters)
        asked = f"repair run {run_id}"
        answer = await self._wire.change(resource.scope, asked, "/api/2.2/jobs/runs/repair", body)
        return _id_in(answer, "repair_id", asked)

    async def run_now(
        self, resource: Resource, job_id: str, *, token: str, parameters: Mapping[str, str]
    ) -> str:
        """See the protocol."""
        body: Json = {"job_id": _number(job_id), "idempotency_token": token}
        if parameters:
            body["job_parameters"] = dict(parameters)
        asked = f"run job {job_id}"
        answer = await self._wire.change(resource.scope, asked, "/api/2.2/jobs/run-now", body)
        return _id_in(answer, "run_id", asked)

    async def active_runs(
        self, resource: Resource, *, cluster_id: str | None = None, job_id: str | None = None
    ) -> tuple[str, ...]:
        """See the protocol."""
        query = {"active_only": "true", "expand_tasks": "true", "job_id": job_id}
        found: dict[str, None] = {}
        async for run in self._list(resource, "list active runs", **query):
            if run.phase is not RunPhase.ACTIVE:  # a service that ignores the filter
                continue
            if job_id is not None and str(run.job_id) != job_id:
                continue
            if cluster_id is None or cluster_id in {task.cluster for task in run.tasks}:
                found[str(run.run_id)] = None
        return tuple(found)

    # -- clusters and libraries --------------------------------------------------------

    async def cluster(self, resource: Resource, cluster_id: str) -> Cluster | None:
        """See the protocol."""
        answer = await self._read_if_known(
            resource, f"get cluster {cluster_id}", "/api/2.1/clusters/get", cluster_id=cluster_id
        )
        return None if answer is None else _cluster(answer)

    async def restart_cluster(self, resource: Resource, cluster_id: str) -> None:
        """See the protocol."""
        cluster = await self.cluster(resource, cluster_id)
        how = "start" if cluster is not None and cluster.state == "TERMINATED" else "restart"
        await self._wire.change(
            resource.scope,
            f"{how} cluster {cluster_id}",
            f"/api/2.1/clusters/{how}",
            {"cluster_id": cluster_id},
        )

    async def resize_cluster(
        self, resource: Resource, cluster_id: str, *, workers: int, min_workers: int | None
    ) -> None:
        """See the protocol."""
        await self._wire.change(
            resource.scope,
            f"resize cluster {cluster_id}",
            "/api/2.1/clusters/resize",
            {"cluster_id": cluster_id, **_size(workers, min_workers)},
        )

    async def job_cluster(self, resource: Resource, job_id: str, key: str) -> Cluster | None:
        """See the protocol."""
        for one in await self._job_clusters(resource, job_id):
            if one.get("job_cluster_key") == key:
                spec = one.get("new_cluster")
                return _cluster({**(spec if isinstance(spec, dict) else {}), "cluster_id": key})
        return None

    async def resize_job_cluster(
        self,
        resource: Resource,
        job_id: str,
        key: str,
        *,
        workers: int,
        min_workers: int | None,
    ) -> None:
        """See the protocol. An item of ``job_clusters`` is replaced by its key, as a whole."""
        for one in await self._job_clusters(resource, job_id):
            if one.get("job_cluster_key") != key:
                continue
            spec = {**(one.get("new_cluster") or {})}
            spec.pop("num_workers", None)
            spec.pop("autoscale", None)
            changed = {**one, "new_cluster": {**spec, **_size(workers, min_workers)}}
            await self._wire.change(
                resource.scope,
                f"resize cluster {key!r} of job {job_id}",
                "/api/2.2/jobs/update",
                {"job_id": _number(job_id), "new_settings": {"job_clusters": [changed]}},
            )
            return
        raise Refused(SYSTEM, f"job {job_id} has no cluster {key!r}")

    async def libraries(self, resource: Resource, cluster_id: str) -> tuple[Library, ...]:
        """See the protocol."""
        answer = await self._wire.read(
            resource.scope,
            f"libraries of cluster {cluster_id}",
            "/api/2.0/libraries/cluster-status",
            cluster_id=cluster_id,
        )
        return tuple(
            Library(
                spec=_canonical(one.get("library")),
                status=_text(one.get("status")),
                messages=tuple(_text(text) for text in one.get("messages") or ()),
            )
            for one in _objects(answer.get("library_statuses"))
        )

    async def uninstall(self, resource: Resource, cluster_id: str, specs: tuple[str, ...]) -> None:
        """See the protocol."""
        await self._change_libraries(resource, "uninstall", cluster_id, specs)

    async def install(self, resource: Resource, cluster_id: str, specs: tuple[str, ...]) -> None:
        """See the protocol."""
        await self._change_libraries(resource, "install", cluster_id, specs)

    async def _change_libraries(
        self, resource: Resource, how: str, cluster_id: str, specs: tuple[str, ...]
    ) -> None:
        if not specs:
            raise Refused(SYSTEM, f"no library is named to {how}")
        await self._wire.change(
            resource.scope,
            f"{how} libraries of cluster {cluster_id}",
            f"/api/2.0/libraries/{how}",
            {"cluster_id": cluster_id, "libraries": [json.loads(spec) for spec in specs]},
        )

    async def _job_clusters(self, resource: Resource, job_id: str) -> list[Json]:
        answer = await self._wire.read(
            resource.scope, f"get job {job_id}", "/api/2.2/jobs/get", job_id=job_id
        )
        settings = answer.get("settings")
        if not isinstance(settings, dict):
            raise Transient(SYSTEM, f"get job {job_id}: unreadable answer: it has no settings")
        return _objects(settings.get("job_clusters"))

    # -- what failed -------------------------------------------------------------------

    async def _failures(self, resource: Resource, run_id: str, depth: int) -> list[StepFailure]:
        run = await self._run(resource, run_id)
        if run is None:
            return []
        failed = [task for task in run.latest_tasks() if task.has_failed]
        own = [task for task in failed if task.word not in _FOLLOWS] or failed
        found: list[StepFailure] = []
        for task in own:
            found += await self._failures_of(resource, run, task, depth)
        return found

    async def _failures_of(
        self, resource: Resource, run: "_Run", task: "_Task", depth: int
    ) -> list[StepFailure]:
        inner: list[StepFailure] = []
        output = await self._output(resource, task)
        child = _child_run(output)
        if child and depth:
            inner += await self._failures(resource, child, depth - 1)
        step = StepFailure(
            step=task.key,
            step_type=task.type,
            error_code=task.word,
            message=_message_of(output) or task.message,
            failure_type=task.failure_type,
            source="databricks.task_run",
            child_run_id=child,
            cluster_id=task.existing_cluster_id,
            job_cluster_key=task.job_cluster_key or _only_cluster_of(run, task),
        )
        if any(word in f"{task.word} {task.failure_type}" for word in _CLUSTER_TROUBLE):
            inner += await self._cluster_failures(resource, task, step)
        return [*inner, step]

    async def _output(self, resource: Resource, task: "_Task") -> Json:
        """Return what the task wrote; nothing when that cannot be read: the state says enough."""
        try:
            return await self._wire.read(
                resource.scope,
                f"output of task {task.key!r}",
                "/api/2.2/jobs/runs/get-output",
                run_id=str(task.run_id),
            )
        except (Transient, Refused):
            return {}

    async def _cluster_failures(
        self, resource: Resource, task: "_Task", step: StepFailure
    ) -> list[StepFailure]:
        """Return why the cluster ended and which libraries failed on it, as far as is known."""
        if task.cluster is None:
            return []
        found: list[StepFailure] = []
        try:
            answer = await self._wire.ask(
                resource.scope,
                f"events of cluster {task.cluster}",
                "/api/2.1/clusters/events",
                {"cluster_id": task.cluster, "order": "DESC", "limit": 50},
            )
            found += _endings(answer, step)
            libraries = await self.libraries(resource, task.cluster)
            found += [_library_failure(one, step) for one in libraries if one.status == "FAILED"]
        except (Transient, Refused):
            return found
        return found

    # -- wire --------------------------------------------------------------------------

    async def _run(self, resource: Resource, run_id: str) -> "_Run | None":
        """Return a run with all its tasks, which come in pages."""
        if not run_id.isdigit():
            raise Refused(SYSTEM, f"{run_id!r} is no run id of Databricks: they are numbers")
        whole: _Run | None = None
        token: str | None = None
        for _ in range(_MAX_PAGES):
            answer = await self._read_if_known(
                resource,
                f"get run {run_id}",
                "/api/2.2/jobs/runs/get",
                run_id=run_id,
                include_history="true",
                page_token=token,
            )
            if answer is None:
                return None
            page = _parsed(answer, f"get run {run_id}")
            whole = page if whole is None else whole.with_tasks(page.tasks)
            token = answer.get("next_page_token") or None
            if token is None:
                return whole
        raise Transient(SYSTEM, f"more than {_MAX_PAGES} pages of tasks of run {run_id}")

    async def _list(self, resource: Resource, asked: str, **query: object) -> AsyncIterator["_Run"]:
        token: str | None = None
        for _ in range(_MAX_PAGES):
            answer = await self._wire.read(
                resource.scope,
                asked,
                "/api/2.2/jobs/runs/list",
                **{"limit": 25, **query, "page_token": token},
            )
            for one in _objects(answer.get("runs")):
                yield _parsed(one, asked)
            token = answer.get("next_page_token") or None
            if token is None:
                return
        # What was not read must not be taken for "not there".
        raise Transient(SYSTEM, f"{asked}: more than {_MAX_PAGES} pages")

    async def _read_if_known(
        self, resource: Resource, asked: str, path: str, **query: object
    ) -> Json | None:
        try:
            return await self._wire.read(resource.scope, asked, path, **query)
        except Refused as refused:
            # A run that does not exist is a 400 here, other things a 404.
            if refused.status in {400, 404} and _names_unknown(refused):
                return None
            raise


class _State(BaseModel):
    """The old ``state`` and the new ``status`` block of a run or a task."""

    life_cycle_state: str | None = None
    result_state: str | None = None
    state_message: str | None = None
    state: str | None = None
    termination_details: dict[str, Any] | None = None

    @property
    def details(self) -> dict[str, Any]:
        return self.termination_details or {}


class _Stated(BaseModel):
    """Whatever has both blocks; the new one is preferred."""

    old: _State | None = Field(default=None, alias="state")
    new: _State | None = Field(default=None, alias="status")

    @property
    def word(self) -> str:
        """Return the platform's own word for how it ended, or how far it is."""
        new, old = self.new or _State(), self.old or _State()
        code = _text(new.details.get("code"))
        if code == "RUN_EXECUTION_ERROR" and old.result_state:
            return code
        return code or old.result_state or new.state or old.life_cycle_state or ""

    @property
    def failure_type(self) -> str:
        return _text((self.new or _State()).details.get("type"))

    @property
    def message(self) -> str:
        said = _text((self.new or _State()).details.get("message"))
        return said or _text((self.old or _State()).state_message)

    @property
    def phase(self) -> RunPhase:
        """Return how far it is; what is not known to be over goes on."""
        new, old = self.new or _State(), self.old or _State()
        life = new.state or old.life_cycle_state or ""
        if life not in _OVER:
            return RunPhase.ACTIVE
        result = old.result_state or ""
        code = _text(new.details.get("code")) or result
        if code in _GOOD or (result in _GOOD and not new.details):
            return RunPhase.SUCCEEDED
        if code in _STOPPED and "timed out" not in self.message.lower() and result != "TIMEDOUT":
            return RunPhase.CANCELLED
        return RunPhase.FAILED


class _Repair(_Stated):
    id: int | str | None = None
    type: str | None = None
    start_time: int | None = None

    def to_port(self) -> Repair:
        return Repair(
            repair_id=str(self.id) if self.id and self.type != "ORIGINAL" else None,
            phase=self.phase,
            status=self.word,
            started_at=_moment(self.start_time),
        )


class _Task(_Stated):
    """One try of one task."""

    run_id: int | str | None = None
    key: str = Field(default="", alias="task_key")
    attempt_number: int | None = None
    start_time: int | None = None
    existing_cluster_id: str | None = None
    job_cluster_key: str | None = None
    cluster_instance: dict[str, Any] | None = None
    type: str = ""

    @property
    def cluster(self) -> str | None:
        """Return the cluster it runs or ran on."""
        used = (self.cluster_instance or {}).get("cluster_id")
        return used if isinstance(used, str) and used else self.existing_cluster_id

    @property
    def has_failed(self) -> bool:
        return self.phase in {RunPhase.FAILED, RunPhase.CANCELLED}

    @property
    def order(self) -> tuple[int, int, int]:
        number = str(self.run_id or 0)
        return (
            self.attempt_number or 0,
            self.start_time or 0,
            int(number) if number.isdigit() else 0,
        )


class _Run(_Stated):
    """The part of a run we rely on."""

    run_id: int | str
    job_id: int | str | None = None
    run_name: str | None = None
    parent_run_id: int | str | None = None
    job_run_id: int | str | None = None
    trigger: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    job_parameters: list[dict[str, Any]] = Field(default_factory=list)
    overriding_parameters: dict[str, Any] | None = None
    tasks: list[_Task] = Field(default_factory=list)
    job_clusters: list[dict[str, Any]] = Field(default_factory=list)
    repair_history: list[_Repair] = Field(default_factory=list)

    def with_tasks(self, more: list[_Task]) -> "_Run":
        return self.model_copy(update={"tasks": [*self.tasks, *more]})

    def latest_tasks(self) -> list[_Task]:
        """Return the newest try of each task, in the order they are listed."""
        latest: dict[str, _Task] = {}
        for task in self.tasks:
            known = latest.get(task.key)
            if known is None or known.order <= task.order:
                latest[task.key] = task
        return list(latest.values())

    @property
    def parent(self) -> str | None:
        """Return the job run that this is a task of."""
        for above in (self.parent_run_id, self.job_run_id):
            if above and str(above) != str(self.run_id):
                return str(above)
        return None

    @property
    def given(self) -> dict[str, str]:
        """Return the job parameters it ran with."""
        return {
            _text(one.get("name")): _text(one.get("value", one.get("default")))
            for one in self.job_parameters
            if one.get("name")
        }


def _parsed(wire: Json, asked: str) -> _Run:
    tasks = [{**task, "type": _task_type(task)} for task in _objects(wire.get("tasks"))]
    try:
        return _Run.model_validate({**wire, "tasks": tasks})
    except ValidationError as error:
        raise Transient(SYSTEM, f"{asked}: the answer makes no sense") from error


def _snapshot(run: _Run) -> RunSnapshot:
    repairs = [one for one in run.repair_history if one.type != "ORIGINAL"]
    return RunSnapshot(
        run_id=str(run.run_id),
        name=run.run_name or str(run.job_id or run.run_id),
        target_id=str(run.job_id or ""),
        tries=len(repairs) + 1,
        status=run.word,
        phase=run.phase,
        parent_run_id=run.parent,
        message=_text(run.message),
        parameters_key=_key(run),
        by_trigger=(run.trigger or "ONE_TIME") not in {"ONE_TIME", "RETRY"},
        started_at=_moment(run.start_time),
        ended_at=_moment(run.end_time),
    )


def _key(run: _Run) -> str:
    parameters = {**run.given, **(run.overriding_parameters or {})}
    if not parameters:
        return ""
    text = json.dumps(parameters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _task_type(task: Json) -> str:
    return next((name for name in task if name.endswith("_task")), "")


def _only_cluster_of(run: _Run, task: _Task) -> str | None:
    """Return the job's only cluster for a task that does not say which one it uses."""
    if task.existing_cluster_id or len(run.job_clusters) != 1:
        return None
    key = run.job_clusters[0].get("job_cluster_key")
    return key if isinstance(key, str) and task.cluster_instance else None


def _child_run(output: Json) -> str | None:
    child = (output.get("run_job_output") or {}).get("run_id")
    return str(child) if child else None


def _message_of(output: Json) -> str:
    """Return the error and the end of its trace: what failed is said last there."""
    error, trace = _text(output.get("error")), str(output.get("error_trace") or "")
    room = _MESSAGE_LIMIT - len(error) - 1
    return f"{error}\n{_text(trace[-room:])}".strip() if room > 0 and trace else error


def _endings(answer: Json, step: StepFailure) -> list[StepFailure]:
    """Return the newest termination of a cluster, if it has a reason."""
    for event in _objects(answer.get("events")):
        details = event.get("details") or {}
        reason = details.get("reason") if isinstance(details, dict) else None
        if not isinstance(reason, dict) or not reason.get("code"):
            continue
        parameters = reason.get("parameters") or {}
        told = "; ".join(f"{name}: {value}" for name, value in sorted(parameters.items()))
        code, kind = _text(reason.get("code")), _text(reason.get("type"))
        message = f"Termination info: code: {code}, type: {kind}. {told}"
        return [
            step.model_copy(
                update={
                    "error_code": code,
                    "failure_type": kind,
                    "message": _text(message),
                    "source": "databricks.cluster_event",
                    "child_run_id": None,
                }
            )
        ]
    return []


def _library_failure(library: Library, step: StepFailure) -> StepFailure:
    message = f"Library installation failed: {library.spec}: {' '.join(library.messages)}"
    return step.model_copy(
        update={
            "error_code": "LIBRARY_INSTALLATION_ERROR",
            "message": _text(message),
            "source": "databricks.library_status",
            "child_run_id": None,
        }
    )


def _cluster(wire: Json) -> Cluster:
    scale = wire.get("autoscale") if isinstance(wire.get("autoscale"), dict) else None
    most = (scale or {}).get("max_workers", wire.get("num_workers"))
    least = (scale or {}).get("min_workers")
    started = wire.get("last_restarted_time") or wire.get("start_time")
    return Cluster(
        cluster_id=_text(wire.get("cluster_id")),
        state=_text(wire.get("state")),
        started_at=_moment(started if isinstance(started, int) else None),
        made_for_a_job=wire.get("cluster_source") == "JOB",
        workers=most if isinstance(most, int) else 0,
        min_workers=least if isinstance(least, int) else None,
    )


def _size(workers: int, min_workers: int | None) -> Json:
    if min_workers is None:
        return {"num_workers": workers}
    return {"autoscale": {"min_workers": min_workers, "max_workers": workers}}


def _id_in(answer: Json, name: str, asked: str) -> str:
    value = answer.get(name)
    if not isinstance(value, int | str) or isinstance(value, bool) or not str(value):
        raise OutcomeUnknown(SYSTEM, f"{asked}: the answer has no {name}")
    return str(value)


def _number(text: str) -> int:
    if not text.isdigit():
        raise Refused(SYSTEM, f"{text!r} is no id of Databricks: they are numbers")
    return int(text)


def _objects(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _canonical(library: object) -> str:
    return json.dumps(library, sort_keys=True, separators=(",", ":"), default=str)


def _moment(milliseconds: int | None) -> datetime | None:
    if not milliseconds:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _touches(run: RunSnapshot, window: TimeWindow) -> bool:
    begun = run.started_at is None or run.started_at < window.end
    return begun and (run.ended_at is None or run.ended_at >= window.start)


def _start(run: RunSnapshot) -> datetime:
    return run.started_at or datetime.max.replace(tzinfo=UTC)


def _text(value: object) -> str:
    if value is None:
        return ""
    # A lone surrogate is legal in JSON's escapes and in no database.
    return str(value)[:_MESSAGE_LIMIT].encode(errors="replace").decode()


def _names_unknown(error: ConnectorError) -> bool:
    return any(words in str(error) for words in _UNKNOWN)
