"""POST /api/v1/infrastructure/extract-ci: which servers is this about?"""

import azure.durable_functions as df
import azure.functions as func
from pydantic import ConfigDict, Field

from shared.container import services
from shared.domain.errors import InvalidInput
from shared.domain.model import Model
from shared.intake.configuration_items import MAX_NAME_CHARS, MAX_TEXT_CHARS
from shared.usecases.name_items import name_items
from triggers.problems import answer, answers_problems
from triggers.requests import read_body

bp = df.Blueprint()


class Metadata(Model):
    """What fields of that meaning say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ci_association: str | list[str] | None = None


class ExtractCi(Model):
    """A ticket that is here, or its words."""

    ticket_id: str | None = Field(default=None, max_length=100)
    meta_data: Metadata | None = None
    service: str = Field(default="", max_length=MAX_NAME_CHARS)
    title: str = Field(default="", max_length=1_000)
    description: str = Field(default="", max_length=MAX_TEXT_CHARS)


@bp.route(
    route="v1/infrastructure/extract-ci", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def extract_ci(req: func.HttpRequest) -> func.HttpResponse:
    """Answer the names of servers in a ticket or a text, the surest first."""
    asked, store = read_body(req, ExtractCi), services().store
    if not asked.model_fields_set - {"meta_data"} and asked.meta_data is None:
        raise InvalidInput("send ticket_id, or title, description, service or meta_data")
    given = asked.meta_data.ci_association if asked.meta_data else None
    metadata = [given] if isinstance(given, str) else list(given or [])
    service, text = asked.service, f"{asked.title}\n{asked.description}"
    if asked.ticket_id is not None:
        ticket = await store.get(asked.ticket_id)
        metadata += ticket.ci
        service = service or ticket.service or ""
        text += f"\n{ticket.title}\n{ticket.description}"
    found = await name_items(
        store,
        metadata=metadata,
        service=service,
        text=text,
        advisor=services().advisor,
        about=asked.ticket_id or "",
    )
    return answer({"items": [item.model_dump(mode="json") for item in found]})
