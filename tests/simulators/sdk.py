"""azure-mgmt-datafactory on a plain-http loopback URL.

The SDK refuses bearer tokens on http ("not permitted for non-TLS protected URLs"), so its
authentication policy is replaced by one that sets the header.
"""

from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.datafactory.aio import DataFactoryManagementClient as AsyncManagementClient
from azure.mgmt.datafactory.models import (
    ActivityRun,
    PipelineRun,
    PipelineRunsQueryResponse,
    RunFilterParameters,
    RunQueryFilter,
    RunQueryOrderBy,
)

from tests.support.simulators import FACTORY, GROUP, SUBSCRIPTION


class NoCredential:
    """Stands where a credential must stand; never asked."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        """See azure.core.credentials.TokenCredential."""
        raise AssertionError(f"asked for a token: {scopes} {options}")

    async def close(self) -> None:
        """See azure.core.credentials_async.AsyncTokenCredential."""


class Header(SansIOHTTPPolicy[Any, Any]):
    """Sets the bearer token; an empty one sets nothing."""

    def __init__(self, token: str) -> None:
        self._token = token

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """See the base class."""
        if self._token:
            request.http_request.headers["Authorization"] = f"Bearer {self._token}"


class Factory:
    """The SDK's calls on one factory, with the arguments that never change left out.

    Args:
        url: The simulator.
        token: Sent as bearer token.
        retry_total: 0 turns azure-core's retries off.
    """

    def __init__(
        self, url: str, *, token: str = "secret", retry_total: int = 0, name: str = FACTORY
    ) -> None:
        self._name = name
        self.sdk = DataFactoryManagementClient(
            NoCredential(),
            SUBSCRIPTION,
            base_url=url,
            authentication_policy=Header(token),
            retry_total=retry_total,
            retry_backoff_factor=0,
        )

    def start(self, pipeline: str, parameters: dict[str, Any] | None = None, **how: Any) -> str:
        """Create a run and return its id."""
        answer = self.sdk.pipelines.create_run(GROUP, self._name, pipeline, parameters, **how)
        assert answer.run_id is not None
        return answer.run_id

    def recover(self, pipeline: str, run_id: str, **how: Any) -> str:
        """Rerun ``run_id`` from its failure and return the new run's id."""
        recovery = {"is_recovery": True, "start_from_failure": True, **how}
        return self.start(pipeline, reference_pipeline_run_id=run_id, **recovery)

    def run(self, run_id: str) -> PipelineRun:
        """Get a run."""
        return self.sdk.pipeline_runs.get(GROUP, self._name, run_id)

    def cancel(self, run_id: str, **how: Any) -> None:
        """Cancel a run."""
        self.sdk.pipeline_runs.cancel(GROUP, self._name, run_id, **how)

    def activities(self, run_id: str, *filters: RunQueryFilter) -> list[ActivityRun]:
        """Query the activity runs of a run."""
        answer = self.sdk.activity_runs.query_by_pipeline_run(
            GROUP, self._name, run_id, window(filters=list(filters))
        )
        return answer.value

    def query(
        self,
        *filters: RunQueryFilter,
        order: RunQueryOrderBy | None = None,
        continuation_token: str | None = None,
    ) -> PipelineRunsQueryResponse:
        """Query the factory's runs of about now."""
        asked = window(
            filters=list(filters),
            order_by=[order] if order else None,
            continuation_token=continuation_token,
        )
        return self.sdk.pipeline_runs.query_by_factory(GROUP, self._name, asked)

    def __enter__(self) -> Self:
        self.sdk.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.sdk.__exit__(kind, error, trace)


def async_client(url: str) -> AsyncManagementClient:
    """Return the SDK's asynchronous client without retries."""
    return AsyncManagementClient(
        NoCredential(),  # type: ignore[arg-type]
        SUBSCRIPTION,
        base_url=url,
        authentication_policy=Header("secret"),
        retry_total=0,
    )


def where(operand: str, operator: str, *values: str) -> RunQueryFilter:
    """Return one condition of a query."""
    return RunQueryFilter(operand=operand, operator=operator, values_property=list(values))


def window(**more: Any) -> RunFilterParameters:
    """Return query parameters for a few days around now."""
    now = datetime.now(UTC)
    days = timedelta(days=3)
    return RunFilterParameters(
        last_updated_after=now - days, last_updated_before=now + days, **more
    )
