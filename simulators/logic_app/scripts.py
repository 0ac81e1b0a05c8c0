"""What a test or demo says about the workflow: how it goes about an action, and what it reports."""

from typing import Literal

from pydantic import Field, JsonValue

from simulators.kit.controls import Instruction, Seconds


class SystemScript(Instruction):
    """A system of record that the workflow acts on."""

    kind: Literal["adf", "databricks"]
    url: str
    token: str = "simulated"  # noqa: S105 - of a simulator


class ReportScript(Instruction):
    """One callback. Where a field is not given, it is true.

    ``after_seconds`` counts from the end of the run, or from the request with ``at`` "start".
    ``body`` replaces all of it.
    """

    at: Literal["end", "start"] = "end"
    after_seconds: Seconds = 0.0
    status: str | None = None
    success: bool | None = None
    run_id: str | None = None
    without_run_id: bool = False
    attempt_number: int | None = None
    ticket_id: str | None = None
    token: str | None = None
    times: int = Field(default=1, ge=0, le=100)
    body: JsonValue = None


class WorkflowScript(Instruction):
    """How the workflow treats requests about ``target``; ``*`` is every other target.

    ``acts``: it starts a run at all. ``acts_twice``: a workflow with a bug of its own.
    """

    target: str = "*"
    acts: bool = True
    acts_twice: bool = False
    delay_seconds: Seconds = 0.0
    poll_seconds: Seconds = 0.1
    reports: tuple[ReportScript, ...] = (ReportScript(),)
