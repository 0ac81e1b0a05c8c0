"""POST and PATCH /api/v1/tickets…: people and scripts open, change and stop tickets."""

from datetime import datetime

import azure.durable_functions as df
import azure.functions as func

from shared.container import intake_defaults, services
from shared.domain.errors import InvalidInput
from shared.intake import csv_upload, manual
from shared.intake.normalised import Normalised, Rejected
from shared.settings import settings
from shared.usecases.edit_ticket import Edit, cancel_ticket, edit_ticket
from shared.usecases.request_remediation import Ask, request_remediation
from shared.usecases.take_in import Posted
from triggers.problems import answer, answers_problems
from triggers.requests import (
    Reason,
    caller,
    idempotency_key,
    if_match,
    read_body,
    requester,
)
from triggers.starter import start
from triggers.tickets import shown

bp = df.Blueprint()


@bp.route(route="v1/tickets", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@answers_problems
async def open_ticket(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Open a ticket: 201; or 200 with the one that already stands for the same thing.

    With the same ``Idempotency-Key`` it is opened once, however often it is asked for.
    """
    defaults, using = intake_defaults(settings()), services()

    def read(body: bytes, received_at: datetime) -> Normalised:
        return manual.normalised(manual.read_new_ticket(body), defaults, received_at)

    key, asks = idempotency_key(req), requester()
    posted = Posted(manual.SOURCE, req.get_body(), key, told=True, requested_by=asks)
    taken = await using.take_in(posted, read)
    start(taken.opened, client)
    first = taken.first
    if first is None or first.ticket_id is None:
        raise InvalidInput("it could not be opened; the list of dead letters says why")
    ticket = await using.store.get(first.ticket_id)
    headers = {
        "ETag": f'"{ticket.version}"',
        "Location": f"{settings().public_url}/api/v1/tickets/{ticket.id}",
    }
    if taken.replayed:
        headers["Idempotency-Replayed"] = "true"
    return answer(shown(ticket), 201 if first.disposition == "opened" else 200, headers)


@bp.route(route="v1/tickets/upload-csv", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def csv_template(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Answer a file to fill in."""
    headers = {"Content-Disposition": 'attachment; filename="tickets.csv"'}
    return func.HttpResponse(csv_upload.TEMPLATE, headers=headers, mimetype="text/csv")


@bp.route(route="v1/tickets/upload-csv", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@answers_problems
async def upload_csv(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Open a ticket per row; answer for each row what became of it, or what is wrong with it."""
    raw, defaults = _csv_of(req), intake_defaults(settings())
    rows = csv_upload.read_csv(raw)
    lines: list[tuple[int, Rejected | None]] = []

    def read(_: bytes, received_at: datetime) -> Normalised:
        lines.clear()
        alerts = []
        for row in rows:
            try:
                if row.asked is None:
                    raise row.problem or InvalidInput("cannot be read")
                source = csv_upload.SOURCE
                alerts.append(manual.alert_of(row.asked, defaults, received_at, source=source))
                lines.append((row.line, None))
            except InvalidInput as problem:
                lines.append((row.line, Rejected(field=problem.field, detail=str(problem))))
        rejected = tuple(problem for _, problem in lines if problem is not None)
        return Normalised(alerts=tuple(alerts), rejected=rejected)

    key, asks = idempotency_key(req), requester()
    posted = Posted(csv_upload.SOURCE, raw, key, told=True, requested_by=asks)
    taken = await services().take_in(posted, read)
    start(taken.opened, client)
    outcomes = iter(taken.tickets)
    shown_rows: list[dict[str, object]] = []
    for line, problem in lines:
        if problem is not None:
            shown_rows.append({"line": line, "field": problem.field, "error": problem.detail})
        elif (outcome := next(outcomes, None)) is not None:
            shown_rows.append({"line": line, **outcome.model_dump(mode="json")})
    body = {
        "accepted": sum("error" not in row for row in shown_rows),
        "rejected": sum("error" in row for row in shown_rows),
        "rows": shown_rows,
    }
    return answer(body, 202)


@bp.route(route="v1/tickets/{ticket_id}", methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def change_ticket(req: func.HttpRequest) -> func.HttpResponse:
    """Change status, severity, assignee or add a note, if nobody else was quicker."""
    using = services()
    ticket = await using.store.get(req.route_params["ticket_id"])
    version = if_match(req)
    changed = await edit_ticket(
        ticket.id,
        read_body(req, Edit),
        version,
        actor=caller(req),
        store=using.store,
        clock=using.clock,
        sla_minutes=settings().mend_sla_minutes,
    )
    return answer(shown(changed), headers={"ETag": f'"{changed.version}"'})


@bp.route(
    route="v1/tickets/{ticket_id}/cancel", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def stop_ticket(req: func.HttpRequest) -> func.HttpResponse:
    """Stop now, or after the attempt that is under way: 202 with the ticket."""
    using = services()
    asked = read_body(req, Reason, optional=True)
    ticket = await cancel_ticket(
        req.route_params["ticket_id"],
        asked.reason,
        actor=caller(req),
        store=using.store,
        clock=using.clock,
    )
    return answer(shown(ticket), 202, {"ETag": f'"{ticket.version}"'})


@bp.route(
    route="v1/tickets/{ticket_id}/remediate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@answers_problems
async def ask_for_action(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """Send the machine out once more for an escalated ticket: 202 with the ticket.

    Policy decides whether the action is taken, as always; the timeline says who has asked.
    """
    using = services()
    asked = await request_remediation(
        req.route_params["ticket_id"],
        read_body(req, Ask, optional=True),
        by=requester(),
        store=using.store,
        clock=using.clock,
        key=idempotency_key(req),
    )
    start([asked.ticket.id], client)
    headers = {"ETag": f'"{asked.ticket.version}"'}
    if asked.replayed:
        headers["Idempotency-Replayed"] = "true"
    return answer(shown(asked.ticket), 202, headers)


def _csv_of(req: func.HttpRequest) -> bytes:
    """Return the file: the body itself, or the first one of a form.

    Raises:
        InvalidInput: the form has no file.
    """
    kind = req.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return req.get_body()
    try:
        upload = next(iter(req.files.values()), None)
    except Exception:  # noqa: BLE001 - whatever the form's parser dislikes is the sender's mistake
        upload = None
    if upload is None:
        raise InvalidInput("the form has no file; send one, or the CSV itself as the body")
    return bytes(upload.read(csv_upload.MAX_BYTES + 1))
