"""What we believe about a failure, and why."""

from enum import StrEnum

from pydantic import Field

from shared.domain.model import Model


class Classification(StrEnum):
    """Is it a failure at all?"""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    UNCERTAIN = "uncertain"


class Category(StrEnum):
    """Kind of cause; the same words label the evaluation corpus."""

    TRANSIENT_NETWORK = "transient_network"
    THROTTLING = "throttling"
    TIMEOUT = "timeout"
    AUTH_PERMISSION = "auth_permission"
    NOT_FOUND = "not_found"
    SCHEMA_DATA_QUALITY = "schema_data_quality"
    CODE_BUG = "code_bug"
    RESOURCE_EXHAUSTION = "resource_exhaustion"
    CAPACITY_QUOTA = "capacity_quota"
    CLUSTER_LIBRARY = "cluster_library"
    IR_OFFLINE = "ir_offline"
    UPSTREAM_DEPENDENCY = "upstream_dependency"
    CONFIG_ERROR = "config_error"
    CANCELLED_BY_USER = "cancelled_by_user"
    CONCURRENCY_LIMIT = "concurrency_limit"
    BENIGN = "benign"


class Action(StrEnum):
    """What may be done. A closed list: nothing outside it can ever be chosen."""

    RERUN_PIPELINE = "rerun_pipeline"
    RERUN_FROM_FAILURE = "rerun_from_failure"
    REPAIR_RUN = "repair_run"
    RERUN_JOB = "rerun_job"
    RESTART_CLUSTER = "restart_cluster"
    REINSTALL_LIBRARIES = "reinstall_libraries"
    RESIZE_CLUSTER = "resize_cluster"
    START_TRIGGER = "start_trigger"
    RUN_LOGIC_APP = "run_logic_app"
    EXECUTE_RUNBOOK = "execute_runbook"
    ESCALATE = "escalate"
    NONE = "none"


class Risk(StrEnum):
    """What can go wrong when the action is taken; set by code, never by a model."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RerunSafety(StrEnum):
    """What running a pipeline or job again does to its data."""

    IDEMPOTENT = "idempotent"  # any rerun is harmless
    FROM_FAILURE = "from_failure"  # only what failed may run again
    NEVER = "never"  # a person must look first
    UNKNOWN = "unknown"


class Evidence(Model):
    """One piece of what the system of record says; ``text`` is untrusted data."""

    id: str  # "e1", "e2", ... unique within a ticket
    source: str  # e.g. "adf.activity_run"
    text: str


class Analysis(Model):
    """The cause as far as it is known, and what it suggests.

    ``confidence`` is a fraction from 0 to 1. ``max_attempts`` bounds how often the
    action is worth trying for this cause (``None``: only the ticket's limit).
    ``min_wait_seconds`` is how long this kind of cause usually needs to pass.
    """

    classification: Classification = Classification.UNCERTAIN
    confidence: float = Field(default=0.0, ge=0, le=1)
    category: Category | None = None  # None: nothing we know
    signature: str | None = None
    root_cause: str = ""
    auto_remediable: bool = False
    action: Action = Action.ESCALATE
    risk: Risk = Risk.HIGH
    recommendations: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    method: str = "none"  # "signature", "model", "rules": neither knows; "none": not looked at yet
    max_attempts: int | None = None
    min_wait_seconds: float = 0
    rerun_safety: RerunSafety = RerunSafety.UNKNOWN  # as far as its definition shows
