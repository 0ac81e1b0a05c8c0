"""POST /api/v1/policy/replay and GET …/settings/policy/versions: try policy out; who changed it."""

import azure.durable_functions as df
import azure.functions as func

from shared.container import services
from shared.usecases.policy_versions import policy_versions
from shared.usecases.replay_policy import Candidate, replay_policy
from triggers.problems import answer, answers_problems
from triggers.requests import number, read_body, refuse_unknown

bp = df.Blueprint()

MAX_VERSIONS = 200


@bp.route(route="v1/policy/replay", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def replay_settings(req: func.HttpRequest) -> func.HttpResponse:
    """Answer which past decisions other settings would change. Changes nothing."""
    using, candidate = services(), read_body(req, Candidate)
    found = await replay_policy(candidate, using.store, using.clock)
    return answer(found.model_dump(mode="json"))


@bp.route(route="v1/settings/policy/versions", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def list_policy_versions(req: func.HttpRequest) -> func.HttpResponse:
    """Answer who changed what of the policy settings, the newest version first."""
    refuse_unknown(req.params, ("limit",))
    most = number(req.params, "limit", default=50, most=MAX_VERSIONS, least=1)
    found = await policy_versions(services().store, most=most)
    return answer({"items": [one.model_dump(mode="json") for one in found]})
