"""Azure Data Factory, through azure-mgmt-datafactory.

The SDK's own retries are off: it would send ``createRun``, which has no
idempotency key, again after a 503 or 504, and so start the pipeline twice.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from shared.connectors.azure_identity import async_credential
from shared.connectors.azure_wire import reading, starting
from shared.domain.alert import Resource, TimeWindow
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.run import RunPhase, RunSnapshot, StepFailure, Trigger

_SYSTEM = "adf"
_PHASES = {
    "Succeeded": RunPhase.SUCCEEDED,
    "Failed": RunPhase.FAILED,
    "Cancelled": RunPhase.CANCELLED,
}
_NOT_RUNNING = "PipelineRunNotRunning"
_FAILED_STEPS = {"Failed", "TimedOut"}
# A 404 with one of these codes says that the address is wrong, not that the run is unknown.
_WRONG_ADDRESS = {
    "ResourceNotFound",
    "ResourceGroupNotFound",
    "SubscriptionNotFound",
    "InvalidSubscriptionId",
    "ParentResourceNotFound",
}
_MAX_DEPTH = 6  # of ExecutePipeline inside ExecutePipeline
_MAX_PAGES = 20
_MESSAGE_LIMIT = 8_000


class Factory(NamedTuple):
    """Address of one data factory."""

    subscription_id: str
    resource_group: str
    name: str


def factory_of(scope: str) -> Factory:
    """Return the parts of a factory's resource id.

    Raises:
        Refused: a part is missing; the message names the settings that supply it.
    """
    parts = scope.strip("/").split("/")
    named = {key.lower(): value for key, value in zip(parts[::2], parts[1::2], strict=False)}
    try:
        return Factory(named["subscriptions"], named["resourcegroups"], named["factories"])
    except KeyError as missing:
        raise Refused(
            _SYSTEM,
            f"{scope!r} is not a full factory id (no {missing.args[0]}): send subscriptionId and "
            "resourceGroup with the alert, or set MEND_ADF_SUBSCRIPTION_ID and "
            "MEND_ADF_RESOURCE_GROUP",
        ) from None


class DataFactory:
    """Implements :class:`~shared.ports.pipelines.PipelineService`.

    Args:
        base_url: Control plane, ``https://management.azure.com`` or a simulator.
        token: Static bearer token; ``None``: ``DefaultAzureCredential``.
        timeout_seconds: For connecting and for each read.
    """

    def __init__(
        self, base_url: str, token: str | None = None, *, timeout_seconds: float = 30
    ) -> None:
        self._base_url = base_url
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._clients: dict[str, Any] = {}  # per subscription; the SDK's client is untyped here
        self._open = AsyncExitStack()

    async def close(self) -> None:
        """Close all connections."""
        self._clients.clear()
        await self._open.aclose()

    async def run(self, resource: Resource, run_id: str) -> RunSnapshot | None:
        """See the protocol."""
        factory, client = await self._client(resource)
        try:
            with reading(_SYSTEM, f"get pipeline run {run_id!r}"):
                answer = await self._answer(
                    client.pipeline_runs.get(factory.resource_group, factory.name, run_id)
                )
                return _snapshot(answer.as_dict())
        except Refused as refused:
            if refused.status == 404 and not _names_wrong_address(refused):
                return None
            raise

    async def failures(self, resource: Resource, run: RunSnapshot) -> tuple[StepFailure, ...]:
        """See the protocol."""
        return tuple(await self._failures(resource, run.run_id, run.started_at, _MAX_DEPTH))

    async def definition(self, resource: Resource, name: str) -> object:
        """See :class:`~shared.ports.runs.DefinitionReader`."""
        factory, client = await self._client(resource)
        with reading(_SYSTEM, f"get pipeline {name!r}"):
            answer = await self._answer(
                client.pipelines.get(factory.resource_group, factory.name, name)
            )
            definition: object = answer.as_dict()
            return definition

    async def output(self, resource: Resource, run: RunSnapshot, step: str) -> JsonValue:
        """See :class:`~shared.ports.measures.OutputReader`."""
        for activity in reversed(
            list(await self._activities(resource, run.run_id, run.started_at))
        ):
            if activity.name.casefold() == step.casefold():
                return activity.output if isinstance(activity.output, dict) else None
        return None

    async def runs(
        self, resource: Resource, target: str, window: TimeWindow
    ) -> tuple[RunSnapshot, ...]:
        """See the protocol."""
        found = await self._query(resource, window, "PipelineName", target)
        # A service that ignores the filter must not make us act on other pipelines.
        mine = [run for run in found if run.name.casefold() == target.casefold()]
        return tuple(sorted(mine, key=_start, reverse=True))

    async def failed_runs(self, resource: Resource, window: TimeWindow) -> tuple[RunSnapshot, ...]:
        """Return the runs of the factory that failed in ``window``.

        Raises as :meth:`runs` does.
        """
        found = await self._query(resource, window, "Status", "Failed")
        return tuple(run for run in found if run.phase is RunPhase.FAILED)

    async def _query(
        self, resource: Resource, window: TimeWindow, operand: str, value: str
    ) -> list[RunSnapshot]:
        """Return the runs that were updated in ``window`` and whose ``operand`` is ``value``."""
        from azure.mgmt.datafactory import models

        factory, client = await self._client(resource)
        found: list[RunSnapshot] = []
        token: str | None = None
        for _ in range(_MAX_PAGES):
            query = models.RunFilterParameters(
                last_updated_after=window.start,
                last_updated_before=window.end,
                continuation_token=token,
                filters=[
                    models.RunQueryFilter(
                        operand=operand, operator="Equals", values_property=[value]
                    )
                ],
            )
            with reading(_SYSTEM, f"query runs of {value!r}"):
                page = await self._answer(
                    client.pipeline_runs.query_by_factory(
                        factory.resource_group, factory.name, query
                    )
                )
                answer = page.as_dict()
                found += [_snapshot(item) for item in answer["value"]]
            token = answer.get("continuationToken")
            if not token:
                break
        else:  # what was not read must not be taken for "not there"
            raise Transient(_SYSTEM, f"more than {_MAX_PAGES} pages of runs of {value!r}")
        return found

    async def rerun(
        self, resource: Resource, name: str, reference_run_id: str, *, from_failure: bool
    ) -> str:
        """See the protocol."""
        factory, client = await self._client(resource)
        with starting(_SYSTEM, f"createRun {name!r}"):
            answer = await self._answer(
                client.pipelines.create_run(
                    factory.resource_group,
                    factory.name,
                    name,
                    parameters=None,
                    reference_pipeline_run_id=reference_run_id,
                    is_recovery=True,
                    start_from_failure=True if from_failure else None,
                )
            )
            run_id = answer.run_id
            if not isinstance(run_id, str) or not run_id:
                raise OutcomeUnknown(_SYSTEM, f"createRun {name!r}: the answer has no runId")
        return run_id

    async def cancel(self, resource: Resource, run_id: str) -> None:
        """See the protocol."""
        factory, client = await self._client(resource)
        try:
            with starting(_SYSTEM, f"cancel run {run_id!r}"):
                await self._answer(
                    client.pipeline_runs.cancel(factory.resource_group, factory.name, run_id)
                )
        except Refused as refused:
            if _NOT_RUNNING not in str(refused):
                raise

    async def rerun_trigger_run(self, resource: Resource, trigger: str, run_id: str) -> None:
        """See the protocol."""
        factory, client = await self._client(resource)
        with starting(_SYSTEM, f"rerun of trigger run {run_id!r}"):
            await self._answer(
                client.trigger_runs.rerun(factory.resource_group, factory.name, trigger, run_id)
            )

    async def trigger_state(self, resource: Resource, trigger: str) -> str | None:
        """See the protocol."""
        factory, client = await self._client(resource)
        try:
            with reading(_SYSTEM, f"get trigger {trigger!r}"):
                answer = await self._answer(
                    client.triggers.get(factory.resource_group, factory.name, trigger)
                )
                return _text(answer.as_dict()["properties"].get("runtimeState"))
        except Refused as refused:
            if refused.status == 404 and not _names_wrong_address(refused):
                return None
            raise

    async def start_trigger(self, resource: Resource, trigger: str) -> None:
        """See the protocol."""
        factory, client = await self._client(resource)
        with starting(_SYSTEM, f"start trigger {trigger!r}"):
            # Only the request: what comes of it is looked at like everything else.
            await self._answer(
                client.triggers.begin_start(
                    factory.resource_group, factory.name, trigger, polling=False
                )
            )

    async def _failures(
        self, resource: Resource, run_id: str, started_at: datetime | None, depth: int
    ) -> list[StepFailure]:
        found: list[StepFailure] = []
        for activity in await self._activities(resource, run_id, started_at):
            if activity.status not in _FAILED_STEPS:
                continue
            step = activity.failure()
            if step.child_run_id and depth:
                found += await self._failures(
                    resource, step.child_run_id, activity.started_at or started_at, depth - 1
                )
            found.append(step)
        return found

    async def _activities(
        self, resource: Resource, run_id: str, started_at: datetime | None
    ) -> Iterable["_Activity"]:
        from azure.mgmt.datafactory import models

        factory, client = await self._client(resource)
        now = datetime.now(UTC)
        # 45 days is how long Data Factory keeps runs; a day ahead forgives clocks that differ.
        query = models.RunFilterParameters(
            last_updated_after=(started_at or now - timedelta(days=45)) - timedelta(hours=1),
            last_updated_before=now + timedelta(days=1),
        )
        latest: dict[tuple[str, str], _Activity] = {}
        for _ in range(_MAX_PAGES):
            with reading(_SYSTEM, f"query activities of run {run_id!r}"):
                page = await self._answer(
                    client.activity_runs.query_by_pipeline_run(
                        factory.resource_group, factory.name, run_id, query
                    )
                )
                answer = page.as_dict()
                rows = [_Activity.model_validate(row) for row in answer["value"]]
            for row in rows:
                # One row per retry: the last try of an activity is what it came to.
                known = latest.get(row.identity)
                if known is None or known.order <= row.order:
                    latest[row.identity] = row
            query.continuation_token = answer.get("continuationToken")
            if not query.continuation_token:
                break
        return sorted(latest.values(), key=lambda row: row.order)

    async def _answer(self, call: Awaitable[Any]) -> Any:
        # The read timeout starts anew with every byte; this one ends a dribble too.
        async with asyncio.timeout(2 * self._timeout_seconds):
            return await call

    async def _client(self, resource: Resource) -> tuple[Factory, Any]:
        factory = factory_of(resource.scope)
        if factory.subscription_id not in self._clients:
            self._clients[factory.subscription_id] = await self._new_client(factory)
        return factory, self._clients[factory.subscription_id]

    async def _new_client(self, factory: Factory) -> Any:
        import aiohttp
        from azure.core.pipeline.transport import AioHttpTransport
        from azure.mgmt.datafactory.aio import DataFactoryManagementClient

        # A fresh connection each time: on a kept one that the other side has just closed, a POST
        # ends as "unknown" although it never arrived.
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        options: dict[str, Any] = {
            # The limits go to the transport: given to the client, they reach only its own one.
            "transport": AioHttpTransport(
                session=session,
                session_owner=True,
                connection_timeout=self._timeout_seconds,
                read_timeout=self._timeout_seconds,
            ),
            "base_url": self._base_url,
            "retry_total": 0,
            "permit_redirects": False,
        }
        if self._token is None:
            credential: Any = await self._open.enter_async_context(async_credential())
        else:
            # The policy does the work: azure-core's own refuses to send a token over plain http,
            # on loopback too. The credential only has to be there.
            credential = object()
            options["authentication_policy"] = _static_token(self._token)
        client = DataFactoryManagementClient(credential, factory.subscription_id, **options)
        return await self._open.enter_async_context(client)


def _static_token(token: str) -> Any:
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class StaticToken(SansIOHTTPPolicy):  # type: ignore[type-arg]
        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = f"Bearer {token}"

    return StaticToken()


class _InvokedBy(BaseModel):
    id: str | None = None  # of the trigger's run, where a trigger started it
    name: str | None = None
    parent_run_id: str | None = Field(default=None, alias="pipelineRunId")
    kind: str | None = Field(default=None, alias="invokedByType")  # "Manual", "PipelineActivity", …


class _Run(BaseModel):
    """The part of ARM's ``PipelineRun`` we rely on."""

    run_id: str = Field(alias="runId", min_length=1)
    name: str = Field(default="", alias="pipelineName")
    status: str = ""
    group_id: str | None = Field(default=None, alias="runGroupId")
    invoked_by: _InvokedBy | None = Field(default=None, alias="invokedBy")
    message: str | None = None
    parameters: Mapping[str, object] | None = None
    started_at: AwareDatetime | None = Field(default=None, alias="runStart")
    ended_at: AwareDatetime | None = Field(default=None, alias="runEnd")


class _Activity(BaseModel):
    """The part of ARM's ``ActivityRun`` we rely on; ``error`` and ``output`` are anything."""

    name: str = Field(default="", alias="activityName")
    type: str = Field(default="", alias="activityType")
    status: str = ""
    iteration: str | None = Field(default=None, alias="iterationHash")
    started_at: AwareDatetime | None = Field(default=None, alias="activityRunStart")
    retry: int | None = Field(default=None, alias="retryAttempt")
    error: object = None
    output: object = None

    @property
    def identity(self) -> tuple[str, str]:
        return self.name, self.iteration or ""

    @property
    def order(self) -> tuple[datetime, int]:
        return self.started_at or datetime.min.replace(tzinfo=UTC), self.retry or 0

    def failure(self) -> StepFailure:
        error = self.error if isinstance(self.error, Mapping) else {"message": self.error}
        output = self.output if isinstance(self.output, Mapping) else {}
        child = output.get("pipelineRunId")
        return StepFailure(
            step=_text(self.name),
            step_type=_text(self.type),
            error_code=_text(error.get("errorCode")),
            message=_text(error.get("message")),
            failure_type=_text(error.get("failureType")),
            child_run_id=child if isinstance(child, str) and child else None,
        )


def _snapshot(wire: object) -> RunSnapshot:
    run = _Run.model_validate(wire)
    return RunSnapshot(
        run_id=run.run_id,
        name=run.name,
        status=run.status,
        phase=_PHASES.get(run.status, RunPhase.ACTIVE),
        group_id=run.group_id,
        parent_run_id=run.invoked_by.parent_run_id if run.invoked_by else None,
        message=_text(run.message),
        parameters_key=_key(run.parameters or {}),
        by_trigger=bool(run.invoked_by and (run.invoked_by.kind or "Manual") != "Manual"),
        trigger=_trigger(run.invoked_by),
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _trigger(by: _InvokedBy | None) -> Trigger | None:
    if by is None or not (by.kind or "").endswith("Trigger") or not (by.name and by.id):
        return None
    return Trigger(kind=by.kind or "", name=by.name, run_id=by.id)


def _key(parameters: Mapping[str, object]) -> str:
    if not parameters:
        return ""
    text = json.dumps(parameters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(value: object) -> str:
    if value is None:
        return ""
    # A lone surrogate is legal in JSON's escapes and in no database.
    return str(value)[:_MESSAGE_LIMIT].encode(errors="replace").decode()


def _start(run: RunSnapshot) -> datetime:
    return run.started_at or datetime.min.replace(tzinfo=UTC)


def _names_wrong_address(refused: Refused) -> bool:
    return any(code in str(refused) for code in _WRONG_ADDRESS)
