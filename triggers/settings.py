"""GET/PUT /api/v1/settings/…: what operators switch while the system runs."""

from contextlib import suppress
from functools import partial
from typing import TypeVar

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, Field

from shared.container import services
from shared.domain.errors import InvalidInput, Unavailable
from shared.domain.identity import Role
from shared.intake.mapping import GenericMapping
from shared.policy.settings import PolicySettings
from shared.usecases.await_quiet import await_quiet
from shared.usecases.operator_settings import (
    KillSwitch,
    change_execution_mode,
    change_generic_mapping,
    change_inventory,
    change_kill_switch,
    change_policy_settings,
    execution_mode,
    generic_mapping,
    inventory,
    kill_switch,
    policy_settings,
)
from triggers.problems import answer, answers_problems
from triggers.requests import caller, if_match, json_object, person, validated

bp = df.Blueprint()
_M = TypeVar("_M", bound=BaseModel)


class PolicySent(PolicySettings):
    """Policy settings; with the ``version`` that a GET gave, only that one is changed."""

    version: int | None = Field(default=None, ge=0, le=10**15)


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
        mode = await change_execution_mode(
            using.store, partial(_changed, req=req), at_first=first, actor=caller(req)
        )
    return answer(mode.model_dump(mode="json"))


@bp.route(
    route="v1/settings/kill-switch", methods=["GET", "PUT"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def kill_switch_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read the kill switch, or turn the one of ``scope``; it holds for all that has not left.

    A stop is answered once nothing is on its way out any more, or after five seconds.
    """
    using = services()
    if req.method == "GET":
        switch = await kill_switch(using.store)
    else:
        change, scope = partial(_switched, req=req), _scope(req)
        switch = await change_kill_switch(using.store, change, scope=scope, actor=caller(req))
        with suppress(Unavailable):  # the switch is turned; only nobody can look who is sending
            await await_quiet(switch.of(scope), using.store, using.clock)
    return answer(switch.model_dump(mode="json"))


@bp.route(route="v1/settings/policy", methods=["GET", "PUT"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def policy_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read or change limits, breakers and rerun safety; what a PUT leaves out stays as it is.

    With ``If-Match``, or the ``version`` of a GET, only what the caller has seen is changed.
    """
    using = services()
    if req.method == "GET":
        policy, version = await policy_settings(using.store)
    else:
        policy, version = await change_policy_settings(
            using.store, partial(_policy_sent, req=req), actor=caller(req), seen=_seen(req)
        )
    body = {"version": version, **policy.model_dump(mode="json")}
    return answer(body, headers={"ETag": f'"{version}"'})


@bp.route(
    route="v1/settings/inventory", methods=["GET", "PUT"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def inventory_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read or replace the servers and other things that are known by name."""
    store = services().store
    if req.method == "GET":
        return answer((await inventory(store)).model_dump(mode="json"))
    changed = await change_inventory(store, partial(_changed, req=req), actor=caller(req))
    return answer(changed.model_dump(mode="json"))


@bp.route(
    route="v1/settings/generic-mapping", methods=["GET", "PUT"], auth_level=func.AuthLevel.ANONYMOUS
)
@answers_problems
async def generic_mapping_setting(req: func.HttpRequest) -> func.HttpResponse:
    """Read or change where the source ``generic`` finds its fields; ``null`` takes a path away."""
    store = services().store
    if req.method == "GET":
        mapping = await generic_mapping(store) or GenericMapping()
    else:
        mapping = await change_generic_mapping(store, partial(_changed, req=req), actor=caller(req))
    return answer(mapping.model_dump(mode="json"))


def _seen(req: func.HttpRequest) -> int | None:
    """Return the version that the caller has looked at; ``None``: they do not say.

    A body that makes no sense is refused first, whatever it was looked at before.
    """
    _policy_sent(PolicySettings(), req)
    if req.headers.get("If-Match"):
        return if_match(req)
    named = {name: value for name, value in json_object(req).items() if name == "version"}
    return validated(PolicySent, named).version


def _policy_sent(current: PolicySettings, req: func.HttpRequest) -> PolicySettings:
    sent = _changed(PolicySent(**current.model_dump()), req)
    return PolicySettings(**sent.model_dump(exclude={"version"}))


def _scope(req: func.HttpRequest) -> str:
    """Return which switch is meant; what is no text is refused with the rest of the body."""
    scope = json_object(req).get("scope", "global")
    return validated(KillSwitch, {"scope": scope}).scope


def _switched(current: KillSwitch, req: func.HttpRequest) -> KillSwitch:
    """Apply the body; to stop everything is for more people than to let it go on."""
    if "on" not in json_object(req):  # who believes to have stopped something must have
        raise InvalidInput("on is missing: true stops, false lets it go on", field="on")
    changed = _changed(current, req)
    if not changed.on:
        person().require(Role.ADMIN)
    return changed


def _changed(current: _M, req: func.HttpRequest) -> _M:
    body = json_object(req)
    if not body:
        known = ", ".join(type(current).model_fields)
        raise InvalidInput(f"nothing to change; send any of {known}")
    unknown = set(body) - set(type(current).model_fields)
    if unknown:
        raise InvalidInput("there is no such setting", field=min(unknown))
    return validated(type(current), {**current.model_dump(mode="json"), **body})
