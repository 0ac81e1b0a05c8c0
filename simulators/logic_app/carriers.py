"""How the workflow acts on the systems of record: plain HTTP, as its connectors would."""

import asyncio
from collections.abc import Mapping
from typing import Protocol, cast

import httpx

from simulators.logic_app.scripts import SystemScript

Json = Mapping[str, object]
_API = {"api-version": "2018-06-01"}
_CLUSTER_SECONDS, _CLUSTER_LOOKS = 0.1, 600
# What the platforms call an end -> what document and callback call it.
_ADF_ENDS = {"Succeeded": "Succeeded", "Failed": "Failed", "Cancelled": "Cancelled"}
_JOB_ENDS = {"SUCCESS": "Succeeded", "CANCELED": "Cancelled"}


class CannotAct(Exception):
    """The workflow does not know the action, or the system refused it."""


class Carrier(Protocol):
    """Acts on one system."""

    async def act(self, action: str, parameters: Json) -> str:
        """Start what ``action`` means and return the run's id.

        Raises:
            CannotAct: nothing was started.
        """
        ...

    async def ended(self, run_id: str) -> tuple[str, str] | None:
        """Return status and message of the run; ``None`` while it goes on."""
        ...


def carrier_for(http: httpx.AsyncClient, system: SystemScript, resource: Json) -> Carrier:
    """Return the carrier for ``resource`` on ``system``."""
    headers = {"Authorization": f"Bearer {system.token}"}
    if system.kind == "adf":
        return AdfCarrier(http, f"{system.url.rstrip('/')}{resource['scope']}", headers)
    return DatabricksCarrier(http, system.url.rstrip("/"), headers)


class AdfCarrier:
    """Data Factory: createRun with a reference."""

    def __init__(self, http: httpx.AsyncClient, base: str, headers: Mapping[str, str]) -> None:
        self._http, self._base, self._headers = http, base, headers

    async def act(self, action: str, parameters: Json) -> str:
        """See the protocol."""
        if action not in {"rerun_pipeline", "rerun_from_failure"}:
            raise CannotAct(f"this workflow does not know {action}")
        asked = {
            **_API,
            "referencePipelineRunId": str(parameters["reference_run_id"]),
            "isRecovery": "true",
            "startFromFailure": "true" if action == "rerun_from_failure" else "false",
        }
        path = f"{self._base}/pipelines/{parameters['target']}/createRun"
        answer = await self._http.post(path, params=asked, headers=self._headers)
        return str(_json(answer)["runId"])

    async def ended(self, run_id: str) -> tuple[str, str] | None:
        """See the protocol."""
        path = f"{self._base}/pipelineruns/{run_id}"
        run = _json(await self._http.get(path, params=_API, headers=self._headers))
        status = _ADF_ENDS.get(str(run["status"]))
        return (status, str(run.get("message") or "")) if status else None


class DatabricksCarrier:
    """Databricks: repair, run-now, and a restart of the failed tasks' cluster before a repair."""

    def __init__(self, http: httpx.AsyncClient, base: str, headers: Mapping[str, str]) -> None:
        self._http, self._base, self._headers = http, base, headers

    async def act(self, action: str, parameters: Json) -> str:
        """See the protocol."""
        run_id = int(str(parameters["reference_run_id"]))
        if action == "rerun_job":
            body = {
                "job_id": int(str(parameters["target"])),
                "idempotency_token": str(parameters["idempotency_key"])[:64],
            }
            return str((await self._post("/api/2.2/jobs/run-now", body))["run_id"])
        if action not in {"repair_run", "restart_cluster"}:
            raise CannotAct(f"this workflow does not know {action}")
        run = await self._run(run_id)
        if action == "restart_cluster":
            await self._restart(run)
        repair: dict[str, object] = {"run_id": run_id, "rerun_all_failed_tasks": True}
        newest = cast("list[Json]", run["repair_history"])[-1]
        if newest.get("id"):
            repair["latest_repair_id"] = newest["id"]
        given = cast("list[Json]", run.get("job_parameters") or [])
        repair["job_parameters"] = {str(one["name"]): one["value"] for one in given}
        await self._post("/api/2.2/jobs/runs/repair", repair)
        return str(run_id)

    async def ended(self, run_id: str) -> tuple[str, str] | None:
        """See the protocol."""
        state = cast("Json", (await self._run(int(run_id)))["state"])
        result = state.get("result_state")
        if result is None:
            return None
        return _JOB_ENDS.get(str(result), "Failed"), str(state.get("state_message") or "")

    async def _restart(self, run: Json) -> None:
        tasks = cast("list[Json]", run["tasks"])
        clusters = {str(t["existing_cluster_id"]) for t in tasks if t.get("existing_cluster_id")}
        for cluster in clusters:
            await self._post("/api/2.1/clusters/restart", {"cluster_id": cluster})
            for _ in range(_CLUSTER_LOOKS):
                if await self._cluster_state(cluster) == "RUNNING":
                    break
                await asyncio.sleep(_CLUSTER_SECONDS)
            else:
                raise CannotAct(f"cluster {cluster} did not come back")

    async def _cluster_state(self, cluster: str) -> str:
        asked = {"cluster_id": cluster}
        path = f"{self._base}/api/2.1/clusters/get"
        return str(_json(await self._http.get(path, params=asked, headers=self._headers))["state"])

    async def _run(self, run_id: int) -> Json:
        asked = {"run_id": str(run_id), "include_history": "true"}
        path = f"{self._base}/api/2.2/jobs/runs/get"
        return _json(await self._http.get(path, params=asked, headers=self._headers))

    async def _post(self, path: str, body: Json) -> Json:
        return _json(await self._http.post(self._base + path, json=body, headers=self._headers))


def _json(answer: httpx.Response) -> Json:
    if answer.is_error:
        raise CannotAct(f"HTTP {answer.status_code}: {answer.text[:300]}")
    return cast("Json", answer.json())
