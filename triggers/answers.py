"""What the API answers, for its description; what is answered is checked against it in tests."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.domain.alert import Severity
from shared.domain.analysis import Action, Evidence, Risk
from shared.domain.approval import Approval
from shared.domain.audit import AuditEntry
from shared.domain.delivery import DeliveryState
from shared.domain.event import Event
from shared.domain.identity import Role
from shared.domain.ticket import Ticket
from shared.intake.configuration_items import Item
from shared.intake.normalised import Rejected
from shared.policy.settings import PolicySettings
from shared.usecases.accept_callback import Reception
from shared.usecases.credential_use import CredentialUse
from shared.usecases.policy_versions import PolicyVersion
from shared.usecases.take_in import Landed
from shared.usecases.try_connection import ConnectionShown


class FieldProblem(BaseModel):
    """One field that is wrong."""

    field: str
    detail: str


class Problem(BaseModel):
    """What went wrong (RFC 9457); ``code`` is a stable name of it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class Received(BaseModel):
    """What became of each alert.

    ``rejected``: what could not be read; it is kept as ``dead_letter``.
    """

    accepted: int
    tickets: list[Landed]
    rejected: list[Rejected] = Field(default_factory=list)
    dead_letter: str = ""


class Ephemeral(BaseModel):
    """What only the person sees who has clicked."""

    response_type: str
    replace_original: bool
    text: str


class TicketShown(Ticket):
    """A ticket."""


class TicketList(BaseModel):
    """One page; ``next_cursor`` is null on the last one."""

    items: list[TicketShown]
    next_cursor: str | None


class Facets(BaseModel):
    """How many tickets there are per value."""

    total: int
    status: dict[str, int]
    severity: dict[str, int]
    source: dict[str, int]
    platform: dict[str, int]
    classification: dict[str, int]


class UploadedRow(BaseModel):
    """One row: its ticket, or its mistake."""

    line: int
    ticket_id: str | None = None
    disposition: str = ""
    field: str = ""
    error: str = ""


class Uploaded(BaseModel):
    """What became of each row, by its line in the file."""

    accepted: int
    rejected: int
    rows: list[UploadedRow]


class ApprovalPlain(Approval):
    """A question; ``approvers`` are those it was handed on to."""

    action: Action
    target: str
    risk: Risk
    approvers: list[str]


class ApprovalShown(ApprovalPlain):
    """A question with what one needs to know to decide it."""

    title: str
    severity: Severity
    environment: str | None
    root_cause: str
    confidence: float | None
    evidence: list[Evidence]
    can_be_decided: bool


class ApprovalList(BaseModel):
    """One page of questions; ``next_cursor`` is null on the last one."""

    items: list[ApprovalShown]
    next_cursor: str | None


class DecidedOne(BaseModel):
    """What became of one of many: the question, or the problem."""

    id: str
    status: int
    approval: ApprovalPlain | None = None
    problem: Problem | None = None


class Decided(BaseModel):
    """What became of each, in their order."""

    items: list[DecidedOne]


class Me(BaseModel):
    """Who asks; ``roles`` with those that are included in others, none if nobody has given any.

    ``auth``: how we know. ``off``: we do not, and whoever reaches this host may do everything.
    """

    name: str
    roles: list[Role]
    auth: Literal["off", "jwt"]


class EventList(BaseModel):
    """A part of the timeline."""

    items: list[Event]


class Reported(BaseModel):
    """What was done with a report."""

    ticket_id: str
    reception: Reception


class PolicyShown(PolicySettings):
    """The policy and its version."""

    version: int


class ConnectionList(BaseModel):
    """What the settings name."""

    items: list[ConnectionShown]


class PolicyVersionList(BaseModel):
    """Versions of the policy settings, the newest first."""

    items: list[PolicyVersion]


class ItemList(BaseModel):
    """Names that were found, the surest first."""

    items: list[Item]


class CountsShown(BaseModel):
    """Counts, and how many alerts are still on their way (``unaccounted``)."""

    received: int
    opened: int
    duplicate: int
    ignored: int
    rejected: int
    dead_lettered: int
    unaccounted: int


class HourShown(CountsShown):
    """The counts of one source in the hour that starts at ``hour``."""

    source: str
    hour: AwareDatetime


class Counts(BaseModel):
    """Counts by source and hour, and their sum."""

    items: list[HourShown]
    total: CountsShown


class CredentialList(BaseModel):
    """What senders may show, by name; ``last_used_at`` is early by ten minutes at most."""

    items: list[CredentialUse]


class DeliveryShown(BaseModel):
    """One delivery; ``body`` only where a single one is asked for."""

    id: str
    source: str
    body_hash: str
    body: str = ""
    whole: bool
    received_at: AwareDatetime
    alerts: int
    state: DeliveryState
    reason: str
    answer: dict[str, Any] | None
    tries: int
    settled_at: AwareDatetime | None


class DeliveryList(BaseModel):
    """Deliveries of which something is left over."""

    items: list[DeliveryShown]
    next_cursor: str | None


class AuditList(BaseModel):
    """A part of the audit trail."""

    items: list[AuditEntry]
    next_after: int | None


class Health(BaseModel):
    """This process answers."""

    status: str


class Ready(BaseModel):
    """``ok``, or what is wrong, per thing this app depends on."""

    status: str
    checks: dict[str, str]


class Document(BaseModel):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")

    openapi: str
