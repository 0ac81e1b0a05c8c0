"""GET/PUT /api/v1/settings/…: what operators switch while the system runs."""

import json
from functools import partial
from typing import TypeVar

import azure.durable_functions as df
import azure.functions as func
from pydantic import ValidationError

from shared.container import services
from shared.domain.errors import InvalidInput
from shared.domain.model import Model
from shared.intake.body import parse_json
from shared.usecases.operator_settings import (
    change_execution_mode,
    change_kill_switch,
    change_policy_settings,
    execution_mode,
    kill_switch,
    policy_settings,
)
from triggers.problems import answer, answers_problems

bp = df.Blueprint()
_M = TypeVar("_M", bound=Model)


@bp.route(
    route="v1/settings/execution-mode",
    methods=["GET", "PUT", "POST"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
@answers_problems
async def execution_mode_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read or switch between Auto and HIL; what a PUT leaves out stays as it is."""
    using = services()
    first = using.policy.mode
    if req.method == "GET":
        mode = await execution_mode(using.store, at_first=first)
    else:
        mode = await change_execution_mode(using.store, partial(_changed, req=req), at_first=first)
    return answer(mode.model_dump(mode="json"))


@bp.route(
    route="v1/settings/kill-switch", methods=["GET", "PUT"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def kill_switch_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read or switch the kill switch; it holds for every send that has not left yet."""
    using = services()
    if req.method == "GET":
        switch = await kill_switch(using.store)
    else:
        switch = await change_kill_switch(using.store, partial(_changed, req=req))
    return answer(switch.model_dump(mode="json"))


@bp.route(route="v1/settings/policy", methods=["GET", "PUT"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def policy_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read or change limits, breakers and rerun safety; what a PUT leaves out stays as it is."""
    using = services()
    if req.method == "GET":
        policy, version = await policy_settings(using.store)
    else:
        policy, version = await change_policy_settings(using.store, partial(_changed, req=req))
    body = {"version": version, **policy.model_dump(mode="json")}
    return answer(body, headers={"ETag": f'"{version}"'})


def _changed(current: _M, req: func.HttpRequest) -> _M:
    body = parse_json(req.get_body())
    if not isinstance(body, dict):
        raise InvalidInput("must be a JSON object")
    unknown = set(body) - set(type(current).model_fields)
    if unknown:
        raise InvalidInput("there is no such setting", field=min(unknown))
    try:
        whole = json.dumps({**current.model_dump(mode="json"), **body})
        return type(current).model_validate_json(whole, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidInput(first["msg"], field=field) from None
