"""What the system of record says about a failed run: the input of the diagnosis."""

from shared.domain.alert import Platform
from shared.domain.model import Model


class FailureText(Model):
    """One error as one part of the system of record tells it; untrusted data.

    Everything but ``evidence_id`` may be empty. Texts with the same ``step``
    are views of one failure; a text without ``step`` stands for itself. A
    ``source`` ending in ``pipeline_run``, ``job_run`` or ``.run`` speaks of the
    whole run and is only read where no step says anything.
    """

    evidence_id: str  # "e1", "e2", ...
    source: str = ""  # e.g. "adf.activity_run", "databricks.run"
    error_code: str = ""
    message: str = ""
    activity_type: str = ""  # e.g. "Copy", "ExecutePipeline", "notebook_task"
    failure_type: str = ""  # ADF's "UserError" or "SystemError"; shown, never decided on
    step: str = ""  # activity name or task key
    status: str = ""  # the step's own status word, e.g. "Failed", "Skipped"


class FailureFacts(Model):
    """Everything known about one failed run; the order of ``texts`` means nothing."""

    platform: Platform
    run_status: str = ""  # the system's own word, e.g. "Failed", "Cancelled", "TIMEDOUT"
    texts: tuple[FailureText, ...] = ()
