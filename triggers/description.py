"""The whole API in one OpenAPI document, made of the models that serve it.

``OPERATIONS`` is the API at a glance. A test holds it against the functions that are
registered, another one against ``docs/openapi.json``, and a fuzzer sends what it allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.domain.approval import ApprovalStatus
from shared.domain.audit import Verification
from shared.domain.search import MAX_QUERY_CHARS
from shared.intake.configuration_items import Inventory
from shared.intake.manual import NewTicket
from shared.intake.mapping import GenericMapping
from shared.ports.push import Address
from shared.ports.tickets import Order
from shared.usecases.accept_callback import Report
from shared.usecases.dashboard_stats import DashboardStats
from shared.usecases.edit_ticket import Edit
from shared.usecases.operator_settings import ExecutionMode, KillSwitch, KillSwitches
from shared.usecases.replay_policy import Candidate, Replayed
from shared.usecases.request_remediation import Ask
from shared.usecases.try_connection import Tried
from triggers import answers
from triggers.access import Route, needs_sign_in
from triggers.approvals import ByToken, HandOn, Said, SaidOfMany
from triggers.dashboard import MAX_HOURS
from triggers.infrastructure import ExtractCi
from triggers.policy import MAX_VERSIONS
from triggers.requests import MAX_PARAMETER_CHARS, Reason
from triggers.settings import PolicySent
from triggers.tickets import CHOICES, MAX_LIMIT

Schema = dict[str, Any]
JSON, PROBLEM = "application/json", "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call.

    Attributes:
        body: What is sent: a model, or the schema of something else under its media type.
        partial: What the body leaves out stays as it is.
        needed: What of a partial body must be there all the same.
        answers: The model of the answer per status; a text for one that is no JSON.
        problems: Statuses that come with a problem document, besides 400, 403, 500 and 503,
            and 401 where somebody must be signed in.
    """

    summary: str
    parameters: tuple[Schema, ...] = ()
    body: type[BaseModel] | Mapping[str, Schema] | None = None
    body_required: bool = True
    partial: bool = False
    needed: tuple[str, ...] = ()
    answers: Mapping[int, type[BaseModel] | str]
    problems: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    security: tuple[str, ...] = field(default=())


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _path(name: str, description: str, schema: Schema | None = None) -> Schema:
    kind = schema or {"type": "string", "minLength": 1, "maxLength": 100}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": kind,
        "description": description,
    }


def _header(name: str, description: str) -> Schema:
    return {"name": name, "in": "header", "schema": {"type": "string"}, "description": description}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _list(choices: tuple[str, ...]) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": [str(one) for one in choices]}}


_TIME = {"type": "string", "format": "date-time"}
_FILTERS = (
    *(
        {**_query(name, _list(values), "any of these"), "style": "form", "explode": False}
        for name, values in CHOICES.items()
    ),
    _query("from", _TIME, "opened at this time or later"),
    _query("to", _TIME, "opened before this time"),
    _query(
        "q",
        {"type": "string", "maxLength": MAX_QUERY_CHARS},
        "each of these words must begin a word of the ticket",
    ),
)
_LIMIT = _query("limit", _whole(1, MAX_LIMIT), "how many at most")
_CURSOR = _query(
    "cursor",
    {"type": "string", "maxLength": MAX_PARAMETER_CHARS},
    "`next_cursor` of the page before, with the same filters",
)
_TICKET = _path("ticket_id", "such as `TIK-20261120-3F9A2C`")
_APPROVAL = _path("approval_id", "such as `APR-20261120-3F9A2C-1`")
_DELIVERY = _path("delivery_id", "such as `DLV-20261120T020711412345-3f9a2c4e`")
_SEEN = _header("If-None-Match", "an ETag: 304 if it is still that")
_ANY_JSON: Schema = {JSON: {"schema": {}}}
_CSV: Schema = {
    "text/csv": {"schema": {"type": "string"}},
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        }
    },
}
_CLICK: Schema = {
    "application/x-www-form-urlencoded": {
        "schema": {
            "type": "object",
            "properties": {"payload": {"type": "string"}},
            "required": ["payload"],
        }
    }
}
_IDEMPOTENT = {
    **_header("Idempotency-Key", "the same key and body: done once, answered alike"),
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}

OPERATIONS: dict[Route, Operation] = {
    ("POST", "v1/tickets/webhook/{source}"): Operation(
        summary="Report failures: every alert in the body reaches a ticket before the answer",
        parameters=(_path("source", "who sends", {"enum": sorted(CHOICES["source"][:-2])}),),
        body=_ANY_JSON,
        answers={202: answers.Received},
        problems=(401, 404, 413, 422),
        security=("basic", "bearer", "secret"),
    ),
    ("POST", "v1/tickets"): Operation(
        summary="Open a ticket by hand",
        parameters=(_IDEMPOTENT,),
        body=NewTicket,
        answers={201: answers.TicketShown, 200: answers.TicketShown},
        problems=(413, 422),
        headers=("ETag", "Location"),
    ),
    ("GET", "v1/tickets"): Operation(
        summary="List tickets",
        parameters=(
            *_FILTERS,
            _query("sort", {"enum": [str(one) for one in Order]}, "newest first by default"),
            _LIMIT,
            _CURSOR,
            _SEEN,
        ),
        answers={200: answers.TicketList, 304: "nothing has changed"},
        headers=("ETag",),
    ),
    ("GET", "v1/tickets/facets"): Operation(
        summary="Count tickets under the same filters",
        parameters=(*_FILTERS, _SEEN),
        answers={200: answers.Facets, 304: "nothing has changed"},
        headers=("ETag",),
    ),
    ("GET", "v1/tickets/upload-csv"): Operation(
        summary="A CSV file to fill in",
        answers={200: "text/csv"},
    ),
    ("POST", "v1/tickets/upload-csv"): Operation(
        summary="Open a ticket per row of a CSV file",
        parameters=(_IDEMPOTENT,),
        body=_CSV,
        answers={202: answers.Uploaded},
        problems=(413, 422),
    ),
    ("GET", "v1/tickets/{ticket_id}"): Operation(
        summary="One ticket",
        parameters=(_TICKET, _SEEN),
        answers={200: answers.TicketShown, 304: "nothing has changed"},
        problems=(404,),
        headers=("ETag",),
    ),
    ("PATCH", "v1/tickets/{ticket_id}"): Operation(
        summary="Change status, severity, assignee; add a note",
        parameters=(_TICKET, _header("If-Match", "the ETag of the version you have seen")),
        body=Edit,
        answers={200: answers.TicketShown},
        problems=(404, 409, 412, 413, 428),
        headers=("ETag",),
    ),
    ("POST", "v1/tickets/{ticket_id}/cancel"): Operation(
        summary="Stop now, or after the attempt that is under way",
        parameters=(_TICKET,),
        body=Reason,
        body_required=False,
        answers={202: answers.TicketShown},
        problems=(404, 409, 413),
        headers=("ETag",),
    ),
    ("POST", "v1/tickets/{ticket_id}/remediate"): Operation(
        summary="Ask for an action on an escalated ticket; policy decides as always",
        parameters=(_TICKET, _IDEMPOTENT),
        body=Ask,
        body_required=False,
        answers={202: answers.TicketShown},
        problems=(404, 409, 413),
        headers=("ETag",),
    ),
    ("GET", "v1/tickets/{ticket_id}/events"): Operation(
        summary="The timeline, oldest first",
        parameters=(_TICKET, _query("after", _whole(0, 10**9), "a `seq`"), _LIMIT),
        answers={200: answers.EventList},
        problems=(404,),
    ),
    ("POST", "remediation-callback"): Operation(
        summary="A Logic App reports what it did",
        parameters=(_header("X-Mend-Token", "the token that came with the request"),),
        body=Report,
        answers={200: answers.Reported, 202: answers.Reported},
        problems=(404, 413),
    ),
    ("GET", "v1/approvals"): Operation(
        summary="What waits for people, and what they have decided",
        parameters=(
            {
                **_query("status", _list(tuple(ApprovalStatus)), "any of these"),
                "style": "form",
                "explode": False,
            },
            _LIMIT,
            _CURSOR,
        ),
        answers={200: answers.ApprovalList},
    ),
    ("GET", "v1/approvals/{approval_id}"): Operation(
        summary="One question with its plan and the evidence",
        parameters=(_APPROVAL,),
        answers={200: answers.ApprovalShown},
        problems=(404,),
    ),
    ("POST", "v1/approvals/{approval_id}/decision"): Operation(
        summary="Approve or reject",
        parameters=(_APPROVAL,),
        body=Said,
        answers={200: answers.ApprovalShown},
        problems=(404, 409, 413),
    ),
    ("POST", "v1/approvals/{approval_id}/delegate"): Operation(
        summary="Let somebody else decide as well",
        parameters=(_APPROVAL,),
        body=HandOn,
        answers={200: answers.ApprovalShown},
        problems=(404, 409, 413),
    ),
    ("POST", "v1/approvals/{approval_id}/take-back"): Operation(
        summary="Take a yes back, as long as nothing has been sent for it; people are asked again",
        parameters=(_APPROVAL,),
        body=Reason,
        answers={200: answers.ApprovalShown},
        problems=(404, 409, 413),
    ),
    ("POST", "v1/approvals/decisions"): Operation(
        summary="Approve or reject up to 50 at once; each has a result of its own",
        body=SaidOfMany,
        answers={200: answers.Decided},
        problems=(413,),
    ),
    ("POST", "v1/approvals/by-token"): Operation(
        summary="What a signed link asks; with a decision, take it",
        body=ByToken,
        answers={200: answers.ApprovalShown},
        problems=(401, 404, 409, 413),
        security=("bearer",),
    ),
    ("GET", "approve"): Operation(
        summary="The page behind a signed link; it changes nothing",
        answers={200: "text/html"},
    ),
    ("GET", "v1/settings/execution-mode"): Operation(
        summary="Auto or HIL", answers={200: ExecutionMode}
    ),
    **{
        (method, "v1/settings/execution-mode"): Operation(
            summary="Switch between Auto and HIL",
            body=ExecutionMode,
            partial=True,
            answers={200: ExecutionMode},
            problems=(413,),
        )
        for method in ("PUT", "POST")
    },
    ("GET", "v1/settings/kill-switch"): Operation(
        summary="The kill switch, and those of narrower scope that are on",
        answers={200: KillSwitches},
    ),
    ("PUT", "v1/settings/kill-switch"): Operation(
        summary="Stop every action, or those of a scope, or let them go on",
        body=KillSwitch,
        partial=True,
        needed=("on",),
        answers={200: KillSwitches},
        problems=(413,),
    ),
    ("GET", "v1/settings/policy"): Operation(
        summary="Limits, breakers, rerun safety, data checks",
        answers={200: answers.PolicyShown},
        headers=("ETag",),
    ),
    ("PUT", "v1/settings/policy"): Operation(
        summary="Change limits, breakers, rerun safety, data checks",
        parameters=(_header("If-Match", "an ETag: 412 if it is another version by now"),),
        body=PolicySent,
        partial=True,
        answers={200: answers.PolicyShown},
        problems=(412, 413),
        headers=("ETag",),
    ),
    ("GET", "v1/settings/policy/versions"): Operation(
        summary="Who changed what of the policy settings, the newest version first",
        parameters=(_query("limit", _whole(1, MAX_VERSIONS), "how many at most"),),
        answers={200: answers.PolicyVersionList},
    ),
    ("POST", "v1/policy/replay"): Operation(
        summary="Which past decisions other policy settings would change; changes nothing",
        body=Candidate,
        answers={200: Replayed},
        problems=(413,),
    ),
    ("GET", "v1/connections"): Operation(
        summary="The systems that Mend depends on; references to secrets, never secrets",
        answers={200: answers.ConnectionList},
    ),
    ("POST", "v1/connections/{name}/test"): Operation(
        summary="Read something small there: how far that comes, and what to do where it ends",
        parameters=(_path("name", "such as `adf`"),),
        answers={200: Tried},
        problems=(404,),
    ),
    ("GET", "v1/settings/inventory"): Operation(
        summary="What is known by name", answers={200: Inventory}
    ),
    ("PUT", "v1/settings/inventory"): Operation(
        summary="Replace what is known by name",
        body=Inventory,
        partial=True,
        answers={200: Inventory},
        problems=(413,),
    ),
    ("GET", "v1/settings/generic-mapping"): Operation(
        summary="Where the source `generic` finds its fields", answers={200: GenericMapping}
    ),
    ("PUT", "v1/settings/generic-mapping"): Operation(
        summary="Change where the source `generic` finds its fields",
        body=GenericMapping,
        partial=True,
        answers={200: GenericMapping},
        problems=(413,),
    ),
    ("POST", "v1/infrastructure/extract-ci"): Operation(
        summary="Which servers is this about?",
        body=ExtractCi,
        answers={200: answers.ItemList},
        problems=(404, 413),
    ),
    ("GET", "v1/intake/counts"): Operation(
        summary="What was received, and what became of it",
        parameters=(_query("hours", _whole(1, 744), "how far back; 24 by default"),),
        answers={200: answers.Counts},
    ),
    ("GET", "v1/intake/credentials"): Operation(
        summary="Which credentials senders may show, and when each was last shown",
        answers={200: answers.CredentialList},
    ),
    ("GET", "v1/intake/dead-letters"): Operation(
        summary="Deliveries of which something is left over",
        parameters=(_LIMIT, {**_CURSOR, "schema": {"type": "string", "maxLength": 100}}),
        answers={200: answers.DeliveryList},
    ),
    ("GET", "v1/intake/deliveries/{delivery_id}"): Operation(
        summary="One delivery with its body",
        parameters=(_DELIVERY,),
        answers={200: answers.DeliveryShown},
        problems=(404,),
    ),
    ("POST", "v1/intake/dead-letters/{delivery_id}/redrive"): Operation(
        summary="Deal once more with what is left over",
        parameters=(_DELIVERY,),
        body=Reason,
        body_required=False,
        answers={202: answers.Received},
        problems=(404, 409, 413),
    ),
    ("POST", "v1/intake/dead-letters/{delivery_id}/discard"): Operation(
        summary="Take a delivery off the list",
        parameters=(_DELIVERY,),
        body=Reason,
        body_required=False,
        answers={200: answers.DeliveryShown},
        problems=(404, 409, 413),
    ),
    ("POST", "v1/negotiate"): Operation(
        summary="Where a page hears of changes at once",
        answers={200: Address},
        problems=(404,),
    ),
    ("GET", "v1/dashboard/stats"): Operation(
        summary="How the last hours went, in numbers",
        parameters=(_query("hours", _whole(1, MAX_HOURS), "how far back; 24 by default"),),
        answers={200: DashboardStats},
    ),
    ("GET", "v1/audit"): Operation(
        summary="Who did what, when and why",
        parameters=(
            *(
                _query(name, {"type": "string", "maxLength": 200}, "only these")
                for name in ("subject", "actor", "action")
            ),
            _query("after", _whole(0, 10**10 - 1), "a `seq`"),
            _query("limit", _whole(1, 500), "how many at most"),
        ),
        answers={200: answers.AuditList},
    ),
    ("GET", "v1/audit/verify"): Operation(
        summary="Whether the audit trail is whole",
        parameters=(
            _query(
                "head",
                {"type": "string", "pattern": "^[0-9]{1,15}:[0-9a-f]{64}$"},
                "`seq:hash` of the head as an earlier answer gave it",
            ),
        ),
        answers={200: Verification},
    ),
    ("POST", "v1/notifications/slack/actions"): Operation(
        summary="Slack tells of a click on one of our buttons",
        parameters=(
            _header("X-Slack-Request-Timestamp", "when it was signed, seconds since 1970"),
            _header("X-Slack-Signature", "`v0=` and the signature over the body as it is"),
        ),
        body=_CLICK,
        answers={200: answers.Ephemeral},
        problems=(401, 413),
    ),
    ("GET", "v1/me"): Operation(
        summary="Who asks, and what they may do",
        answers={200: answers.Me},
    ),
    ("GET", "health"): Operation(summary="This process answers", answers={200: answers.Health}),
    ("GET", "ready"): Operation(
        summary="Each thing this app depends on", answers={200: answers.Ready, 503: answers.Ready}
    ),
    ("GET", "metrics"): Operation(
        summary="How Mend is doing, in Prometheus' text format", answers={200: "text/plain"}
    ),
    ("GET", "openapi.json"): Operation(summary="This document", answers={200: answers.Document}),
}
"""Every call of the API, by method and path below ``/api``."""

_HEADERS = {
    "ETag": "another one as soon as anything here is",
    "Location": "where the ticket is",
}
_ALWAYS = (400, 403, 500, 503)
_REASONS = {
    400: "something is wrong with the request; `errors` names the field",
    401: "no credential that is accepted here is shown",
    403: "not allowed, or not from there",
    404: "there is no such thing",
    409: "not possible as things stand",
    412: "somebody else was quicker",
    413: "more than is accepted",
    422: "the same key or delivery id came before with another body",
    428: "If-Match is missing",
    500: "a mistake of ours",
    503: "not now; `Retry-After` says when",
}


@cache
def document() -> Schema:
    """Return the OpenAPI 3.1 document."""
    definitions = _definitions()
    paths: dict[str, Schema] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(f"/{path}", {})[method.lower()] = _described(method, path, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mend",
            "version": "1",
            "description": "Heals failed Azure Data Factory pipelines and Databricks jobs.",
        },
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "secret": {"type": "apiKey", "in": "header", "name": "X-Mend-Secret"},
            },
        },
    }


def _described(method: str, path: str, operation: Operation) -> Schema:
    signed_in = needs_sign_in((method, path))
    problems = {*_ALWAYS, *operation.problems, *((401,) if signed_in else ())}
    security = ("bearer",) if signed_in else operation.security
    described: Schema = {
        "operationId": _operation_id(method, path),
        "summary": operation.summary,
        "tags": [path.removeprefix("v1/").partition("/")[0]],
        "responses": {
            **{
                str(status): _answer(found, operation.headers)
                for status, found in operation.answers.items()
            },
            **{str(status): _problem(status) for status in sorted(problems)
               if status not in operation.answers},
        },
    }  # fmt: skip
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.body is not None:
        described["requestBody"] = _body(operation)
    if security:
        # Also none: on a loopback host nobody signs in.
        described["security"] = [{}, *({name: []} for name in security)]
    return described


def _operation_id(method: str, path: str) -> str:
    words = path.removeprefix("v1/").replace("{", "").replace("}", "")
    return f"{method.lower()}_{''.join(c if c.isalnum() else '_' for c in words)}"


def _body(operation: Operation) -> Schema:
    if isinstance(operation.body, Mapping):
        return {"required": operation.body_required, "content": dict(operation.body)}
    name = operation.body.__name__ if operation.body else ""
    schema = _reference(f"{name}Change" if operation.partial else f"{name}Input")
    return {"required": operation.body_required, "content": {JSON: {"schema": schema}}}


def _answer(found: type[BaseModel] | str, headers: tuple[str, ...]) -> Schema:
    described: Schema = {"description": "done"}
    if isinstance(found, str):
        if "/" not in found:
            return {"description": found}
        described["content"] = {found: {"schema": {"type": "string"}}}
    else:
        described["content"] = {JSON: {"schema": _reference(found.__name__)}}
    if headers:
        described["headers"] = {
            name: {"schema": {"type": "string"}, "description": _HEADERS[name]} for name in headers
        }
    return described


def _problem(status: int) -> Schema:
    return {
        "description": _REASONS[status],
        "content": {PROBLEM: {"schema": _reference("Problem")}},
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _definitions() -> Schema:
    """Return the schemas of all models, as they are sent and as they are answered."""
    sent = {one.body: one.needed for one in OPERATIONS.values() if isinstance(one.body, type)}
    given: set[type[BaseModel]] = {
        model
        for one in OPERATIONS.values()
        for model in one.answers.values()
        if not isinstance(model, str)
    }
    shown: list[type[BaseModel]] = sorted({*given, answers.Problem}, key=_name)
    _, answered = models_json_schema(
        [(model, "serialization") for model in shown],
        ref_template="#/components/schemas/{model}",
    )
    definitions: Schema = dict(answered["$defs"])
    for model in sorted(sent, key=_name):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}Input")
        for name, inner in schema.pop("$defs", {}).items():
            definitions[f"{name}Input"] = inner
        definitions[f"{model.__name__}Input"] = _closed(schema)
        needed = {"required": list(sent[model]), "minProperties": 1}
        definitions[f"{model.__name__}Change"] = _closed({**schema, **needed})
    used = str([_described(*route, operation) for route, operation in OPERATIONS.items()])
    return {
        name: schema
        for name, schema in sorted(definitions.items())
        if not name.endswith("Change") or f"/{name}'" in used
    }


def _closed(schema: Schema) -> Schema:
    """Say that unknown fields of a body are refused."""
    if schema.get("type") == "object" and "properties" in schema:
        return {"additionalProperties": False, **schema}
    return schema


def _name(model: type[BaseModel]) -> str:
    return model.__name__
