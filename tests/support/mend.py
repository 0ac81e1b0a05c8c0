"""Talks to a running Mend over HTTP, as a sender and as a reader would."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from demo.stories import FACTORY, RESOURCE_GROUP, SUBSCRIPTION
from simulators.client import PipelineRun
from tests.support.cosmos import settings_of_a_host

ENDED = {"resolved", "escalated", "closed"}
Ticket = dict[str, Any]


def brisk(adf_url: str, **settings: str) -> dict[str, str]:
    """Return settings for a simulator at ``adf_url`` and no waiting worth mentioning."""
    return {
        "MEND_ADF_BASE_URL": adf_url,
        "MEND_ADF_TOKEN": "simulated",
        "MEND_ADF_SUBSCRIPTION_ID": SUBSCRIPTION,
        "MEND_ADF_RESOURCE_GROUP": RESOURCE_GROUP,
        "MEND_ADF_FACTORY": FACTORY,
        "MEND_POLL_SECONDS": "0.1",
        "MEND_BACKOFF_SECONDS": "0",
        **settings_of_a_host(),
        **settings,
    }


def workspace(url: str) -> dict[str, str]:
    """Return settings for a simulated Databricks workspace at ``url``."""
    return {"MEND_DATABRICKS_HOST": url, "MEND_DATABRICKS_TOKEN": "simulated"}


def web_activity(run: PipelineRun, **fields: object) -> dict[str, object]:
    """Return what a Web activity on the failure path of ``run`` posts."""
    return {
        "dataFactoryName": FACTORY,
        "pipelineName": run.pipeline,
        "runId": run.run_id,
        "message": run.message or "it failed",
        **fields,
    }


class Mend:
    """The API of one running host."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/api", timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.http.close()

    def post(self, body: object, source: str = "adf") -> httpx.Response:
        """Post an alert; bytes and text go as they are."""
        path = f"/v1/tickets/webhook/{source}"
        if isinstance(body, bytes | str):
            return self.http.post(path, content=body)
        return self.http.post(path, json=body)

    def report(self, run: PipelineRun, **fields: object) -> str:
        """Report ``run`` and return the id of its ticket."""
        answer = self.post(web_activity(run, **fields))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["tickets"][0]["ticket_id"])

    def ticket(self, ticket_id: str) -> Ticket:
        """Return the ticket."""
        answer = self.http.get(f"/v1/tickets/{ticket_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def tickets(self, **filters: str) -> list[Ticket]:
        """Return the first page of tickets."""
        answer = self.http.get("/v1/tickets", params={"limit": "200", **filters})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def events(self, ticket_id: str) -> list[dict[str, Any]]:
        """Return the whole timeline."""
        answer = self.http.get(f"/v1/tickets/{ticket_id}/events")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def put(self, setting: str, body: Mapping[str, object]) -> httpx.Response:
        """Change a setting."""
        return self.http.put(f"/v1/settings/{setting}", json=body)

    def await_end(self, ticket_id: str, seconds: float = 30) -> Ticket:
        """Return the ticket once it has ended."""
        return self.await_ticket(ticket_id, lambda ticket: ticket["status"] in ENDED, seconds)

    def await_ticket(
        self, ticket_id: str, wanted: Callable[[Ticket], bool], seconds: float = 30
    ) -> Ticket:
        """Return the ticket once it is as ``wanted``."""
        deadline = time.monotonic() + seconds
        while True:
            ticket = self.ticket(ticket_id)
            if wanted(ticket):
                return ticket
            if time.monotonic() > deadline:
                told = "\n".join(event["message"] for event in self.events(ticket_id))
                raise AssertionError(f"still {ticket['status']} after {seconds} s:\n{told}")
            time.sleep(0.05)
