"""What each call of the workspace's REST API does. Plain functions from call to answer."""

import json
from collections.abc import Callable, Mapping

from simulators.databricks import refusals, wire
from simulators.databricks.model import ClusterState, Size, World
from simulators.kit.service import Answer, Call, Refused

PAGE = 25
TASKS_PER_PAGE = 100
_MAX_TOKEN = 64


class Operations:
    """The operations over one workspace."""

    def __init__(self, world: World) -> None:
        self.world = world

    # -- jobs --------------------------------------------------------------------------

    def run_now(self, call: Call) -> Answer:
        """Jobs - Trigger a new job run."""
        body = _body(call)
        token = body.get("idempotency_token")
        if token is not None and (not isinstance(token, str) or len(token) > _MAX_TOKEN):
            raise refusals.bad("idempotency_token", "must have at most 64 characters")
        job = self.world.job(_integer(body, "job_id"))
        before = len(self.world.runs)
        run = self.world.run_now(job, token, _parameters(body))
        started = len(self.world.runs) > before
        answer = {"run_id": run.run_id, "number_in_job": run.run_id}
        return Answer(200, answer, effect=str(run.run_id) if started else None)

    def repair(self, call: Call) -> Answer:
        """Jobs - Repair a job run."""
        body = _body(call)
        run = self.world.run(_integer(body, "run_id"))
        latest = _integer(body, "latest_repair_id") if "latest_repair_id" in body else None
        keys = body.get("rerun_tasks")
        if keys is not None:
            if not isinstance(keys, list) or len(set(map(str, keys))) != len(keys):
                raise refusals.bad("rerun_tasks", "cannot contain duplicate task keys")
            keys = set(map(str, keys))
        elif not body.get("rerun_all_failed_tasks"):
            raise refusals.bad("rerun_tasks", "name tasks, or set rerun_all_failed_tasks")
        repaired = self.world.repair(run, latest, keys)
        if given := _parameters(body):
            run.parameters = {**run.job.script.parameters, **given}
        else:
            run.parameters = dict(run.job.script.parameters)
        return Answer(200, {"repair_id": repaired.repair_id}, effect=str(repaired.repair_id))

    def get_run(self, call: Call) -> Answer:
        """Jobs - Get a single job run; tasks come in pages of 100."""
        run_id = _query_integer(call, "run_id")
        found = self.world.find_try(run_id)
        if found is not None:
            return Answer(200, wire.task_as_run(self.world, *found))
        run = self.world.run(run_id)
        history = call.query.get("include_history", "").lower() == "true"
        body = wire.run(self.world, run, with_tasks=True, with_history=history)
        tasks = body["tasks"]
        start = _offset(call)
        if isinstance(tasks, list):
            body["tasks"] = tasks[start : start + TASKS_PER_PAGE]
            if start + TASKS_PER_PAGE < len(tasks):
                body["next_page_token"] = str(start + TASKS_PER_PAGE)
        return Answer(200, body)

    def list_runs(self, call: Call) -> Answer:
        """Jobs - List job runs, newest first."""
        query, now = call.query, self.world.now()
        found = list(reversed(self.world.runs.values()))
        if job_id := query.get("job_id"):
            found = [run for run in found if str(run.job.job_id) == job_id]
        if query.get("active_only", "").lower() == "true":
            found = [run for run in found if run.is_active(now)]
        if query.get("completed_only", "").lower() == "true":
            found = [run for run in found if not run.is_active(now)]
        for name, keeps in (("start_time_from", True), ("start_time_to", False)):
            if (text := query.get(name, "")).isdigit():
                found = [
                    run
                    for run in found
                    if (run.rounds[0].begins.timestamp() * 1000 >= int(text)) is keeps
                ]
        start, size = _offset(call), int(query.get("limit", str(PAGE)))
        with_tasks = query.get("expand_tasks", "").lower() == "true"
        body: dict[str, object] = {
            "runs": [
                wire.run(self.world, run, with_tasks=with_tasks, with_history=False)
                for run in found[start : start + size]
            ],
            "has_more": start + size < len(found),
        }
        if start + size < len(found):
            body["next_page_token"] = str(start + size)
        return Answer(200, body)

    def get_output(self, call: Call) -> Answer:
        """Jobs - Get the output for a single run: of a task, never of a whole job run."""
        run_id = _query_integer(call, "run_id")
        found = self.world.find_try(run_id)
        if found is None:
            self.world.run(run_id)
            text = "Retrieving the output of runs with multiple tasks is not supported."
            raise Refused(400, "INVALID_PARAMETER_VALUE", text)
        return Answer(200, wire.output(self.world, *found))

    def cancel_run(self, call: Call) -> Answer:
        """Jobs - Cancel a run."""
        run = self.world.run(_integer(_body(call), "run_id"))
        stopped = self.world.cancel(run)
        return Answer(200, {}, effect=str(run.run_id) if stopped else None)

    def get_job(self, call: Call) -> Answer:
        """Jobs - Get a single job."""
        return Answer(200, wire.job(self.world.job(_query_integer(call, "job_id"))))

    def update_job(self, call: Call) -> Answer:
        """Jobs - Update job settings partially; of ``job_clusters`` each item by its key."""
        body = _body(call)
        job = self.world.job(_integer(body, "job_id"))
        settings = body.get("new_settings")
        clusters = settings.get("job_clusters") if isinstance(settings, dict) else None
        changed = []
        for one in clusters if isinstance(clusters, list) else []:
            key, size = str(one.get("job_cluster_key")), _size(one.get("new_cluster") or {})
            if job.sizes.get(key) != size:
                changed.append(f"{key} {size.workers}")
            job.sizes[key] = size
        return Answer(200, {}, effect=", ".join(changed) or None)

    # -- clusters ----------------------------------------------------------------------

    def get_cluster(self, call: Call) -> Answer:
        """Clusters - Get."""
        found = self.world.cluster(call.query.get("cluster_id", ""))
        return Answer(200, wire.cluster(self.world, found))

    def restart_cluster(self, call: Call) -> Answer:
        """Clusters - Restart: nothing happens unless it runs."""
        cluster = self._cluster(call)
        if cluster.state_at(self.world.now()) != "RUNNING":
            return Answer(200, {})
        self.world.restart(cluster)
        return Answer(200, {}, effect=cluster.script.cluster_id)

    def start_cluster(self, call: Call) -> Answer:
        """Clusters - Start: nothing happens unless it is terminated."""
        cluster = self._cluster(call)
        if cluster.state_at(self.world.now()) != "TERMINATED":
            return Answer(200, {})
        self.world.restart(cluster)
        return Answer(200, {}, effect=cluster.script.cluster_id)

    def resize_cluster(self, call: Call) -> Answer:
        """Clusters - Resize: only a running one."""
        cluster, body = self._cluster(call), _body(call)
        state = cluster.state_at(self.world.now())
        if state != "RUNNING":
            raise refusals.not_running(cluster.script.cluster_id, state)
        size = _size(body)
        changed = cluster.size != size
        cluster.size = size
        name = f"{cluster.script.cluster_id} {size.workers}"
        return Answer(200, {}, effect=name if changed else None)

    def cluster_events(self, call: Call) -> Answer:
        """Clusters - List cluster activity events."""
        return Answer(200, wire.events(self._cluster(call)))

    def library_status(self, call: Call) -> Answer:
        """Libraries - Get status."""
        found = self.world.cluster(call.query.get("cluster_id", ""))
        return Answer(200, wire.libraries(self.world, found))

    def install(self, call: Call) -> Answer:
        """Libraries - Add a library."""
        cluster = self._cluster(call)
        asked = _libraries(call)
        for one in asked:
            self.world.install(cluster, one)
        return Answer(200, {}, effect=json.dumps(asked))

    def uninstall(self, call: Call) -> Answer:
        """Libraries - Uninstall: with the next restart."""
        cluster = self._cluster(call)
        asked = _libraries(call)
        for one in asked:
            self.world.uninstall(cluster, one)
        return Answer(200, {}, effect=json.dumps(asked))

    def run_statement(self, call: Call) -> Answer:
        """Statement execution - Execute a SQL statement, and wait for it."""
        body = _body(call)
        if not body.get("warehouse_id"):
            raise refusals.bad("warehouse_id", "is required")
        script = self.world.statements.get(str(body.get("statement")))
        if script is None:
            raise refusals.bad("statement", "nobody has said what comes of it")
        return Answer(200, wire.statement(script))

    def _cluster(self, call: Call) -> ClusterState:
        return self.world.cluster(str(_body(call).get("cluster_id", "")))


Operate = Callable[[Operations, Call], Answer]


def _body(call: Call) -> Mapping[str, object]:
    if not isinstance(call.body, dict):
        raise Refused(400, "MALFORMED_REQUEST", "The request body must be a JSON object.")
    return call.body


def _integer(body: Mapping[str, object], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise refusals.bad(name, f"must be a number, not {value!r}")
    return value


def _query_integer(call: Call, name: str) -> int:
    text = call.query.get(name, "")
    if not text.isdigit():
        raise refusals.bad(name, f"must be a number, not {text!r}")
    return int(text)


def _offset(call: Call) -> int:
    text = call.query.get("page_token", "0")
    if not text.isdigit():
        raise refusals.bad("page_token", "is not one of ours")
    return int(text)


def _parameters(body: Mapping[str, object]) -> dict[str, str]:
    given = body.get("job_parameters")
    return {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}


def _size(body: Mapping[str, object]) -> Size:
    scale = body.get("autoscale")
    if isinstance(scale, dict):
        return Size(None, scale.get("min_workers"), scale.get("max_workers"))
    workers = body.get("num_workers")
    if not isinstance(workers, int):
        raise refusals.bad("num_workers", "must be a number")
    return Size(workers, None, None)


def _libraries(call: Call) -> list[dict[str, object]]:
    found = _body(call).get("libraries")
    if not isinstance(found, list) or not found:
        raise refusals.bad("libraries", "must not be empty")
    return [one for one in found if isinstance(one, dict)]
