"""What a sender told us: a hint, until the system of record has been read."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from shared.domain.model import Model

CANARY = "canary"
"""The source of the alerts that Mend sends to itself, to see that alerts get through."""


class Platform(StrEnum):
    """Who runs the thing that failed."""

    ADF = "adf"
    DATABRICKS = "databricks"
    OTHER = "other"


class Severity(StrEnum):
    """How urgent; the default SLA target may differ per severity."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Condition(StrEnum):
    """What the alert says about the thing."""

    FIRING = "firing"
    RESOLVED = "resolved"  # the sender says it is over; never opens a ticket
    NOTICE = "notice"  # worth knowing, and nothing has failed; never opens a ticket
    TEST = "test"  # a sender's "send test alert" button; never opens a ticket


class Resource(Model):
    """The thing that failed.

    ``scope`` is where it lives: for ADF the factory's resource id in lower case
    (``/subscriptions/…/factories/<name>``), for Databricks the workspace host.
    ``name`` keeps the sender's spelling; comparisons ignore case.
    """

    platform: Platform
    scope: str
    kind: str  # "pipeline", "job", ...
    name: str
    run_id: str | None = None  # None: the sender did not say which run

    def run_key(self, run_id: str) -> str:
        """Return the name under which a run of this platform is claimed, once and for ever.

        ADF's run ids are unique everywhere; Databricks counts them per workspace.
        """
        scope = "" if self.platform is Platform.ADF else self.scope
        return f"{self.platform}|{scope}|{run_id}".casefold()


class TimeWindow(Model):
    """When something happened, half-open ``[start, end)``."""

    start: AwareDatetime
    end: AwareDatetime


class Outage(Model):
    """Trouble at the cloud's operator, in whose regions a rerun would fail again."""

    tracking_id: str  # the same in all messages about one outage; its title if there is none
    title: str
    services: tuple[str, ...] = ()  # "Azure Data Factory", ...
    regions: tuple[str, ...] = ()  # "West Europe", ...; "Global" is all of them
    kind: str  # "Incident", "Maintenance", "Security", ...
    since: AwareDatetime
    until: AwareDatetime | None = None  # None: not known yet
    active: bool  # False: the operator says that it is over


class Requester(Model):
    """The person who asked for a ticket; ``oid`` is what people are told apart by."""

    name: str
    oid: str = ""


class Alert(Model):
    """One alert about one thing, whoever sent it."""

    source: str  # the name in the webhook's path: "adf", "azure-monitor", ...
    condition: Condition = Condition.FIRING
    resource: Resource
    title: str
    description: str = ""
    severity: Severity = Severity.HIGH
    environment: str | None = None
    service: str | None = None
    ci: tuple[str, ...] = ()
    occurred_at: datetime
    window: TimeWindow | None = None  # where to look for the run when ``run_id`` is absent
    error_code: str = ""
    error_activity: str = ""  # the activity the sender names as failed
    sender_alert_id: str = ""  # the sender's own id, for links and support
    outage: Outage | None = None  # only in what a cloud's operator says about itself
    notes: tuple[str, ...] = Field(default=(), description="What we had to guess or repair.")
    requested_by: Requester | None = None  # a person asks, and no system reports
