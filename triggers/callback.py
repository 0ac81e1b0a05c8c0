"""POST /api/remediation-callback: a Logic App reports what it did."""

import azure.durable_functions as df
import azure.functions as func
from pydantic import ValidationError

from shared.container import services
from shared.domain.errors import Forbidden, InvalidInput, NotFound
from shared.intake.body import parse_json
from shared.usecases.accept_callback import Reception, Report, accept_callback
from triggers.problems import answer, answers_problems

bp = df.Blueprint()


@bp.route(route="remediation-callback", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def remediation_callback(req: func.HttpRequest) -> func.HttpResponse:
    """Keep a report that carries the attempt's token.

    200: it is kept, or was before. 202: it came at the wrong time and is only noted.
    """
    report, using = _report(req.get_body()), services()
    if await using.store.find(report.ticket_id) is None:
        raise NotFound(f"there is no ticket {report.ticket_id!r}")
    token = req.headers.get("X-Mend-Token", "")
    if not using.callbacks.is_valid(token, report.ticket_id, report.attempt_number):
        raise Forbidden("X-Mend-Token is not the token of this attempt")
    reception = await accept_callback(report, using.store, using.clock)
    status = 202 if reception is Reception.NOTED else 200
    return answer({"ticket_id": report.ticket_id, "reception": reception}, status)


def _report(raw: bytes) -> Report:
    body = parse_json(raw)
    if not isinstance(body, dict):
        raise InvalidInput("must be a JSON object")
    known = {key: body[key] for key in Report.model_fields if key in body}
    try:
        return Report.model_validate({**known, **_as_text(known)})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from None


def _as_text(body: dict[str, object]) -> dict[str, object]:
    """Return the run's id as text: a workflow's expression makes a number of it easily."""
    run_id = body.get("remediation_run_id")
    return {"remediation_run_id": str(run_id)} if isinstance(run_id, int) else {}
