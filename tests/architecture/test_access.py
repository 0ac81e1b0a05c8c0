"""Every call has a rule, every rule is enforced, and what has none is closed."""

import azure.durable_functions as df
import azure.functions as func
import pytest

from shared.domain.identity import LOCAL, Role
from tests.architecture.test_wiring import functions
from triggers.access import ACCESS, Open, asking, present, route_of
from triggers.description import OPERATIONS, document
from triggers.problems import answer, answers_problems

bp = df.Blueprint()


@bp.route(route="v1/of-nobody", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answers_problems
async def of_nobody(req: func.HttpRequest) -> func.HttpResponse:
    """Answer, if anybody lets it."""
    return answer({"path": req.url})


@answers_problems
async def not_registered(req: func.HttpRequest) -> func.HttpResponse:
    """Answer, likewise."""
    return answer({"path": req.url})


HANDLERS = {
    (str(getattr(method, "value", method)), str(one.get_trigger().route)): one.get_user_function()
    for one in functions("httpTrigger").values()
    for method in one.get_trigger().methods
}


def test_every_call_has_a_rule_and_every_rule_a_call() -> None:
    """Whoever adds a route says who may call it."""
    assert set(ACCESS) == set(OPERATIONS)


@pytest.mark.parametrize("route", [one for one, need in ACCESS.items() if need is not Open.PUBLIC])
def test_what_is_not_public_is_guarded(route: tuple[str, str]) -> None:
    """By the one wrapper, which finds the rule of exactly this route."""
    found, layers = HANDLERS[route], set()
    assert route_of(found) == route[1]
    while found is not None:
        layers.add((found.__code__.co_name, found.__code__.co_filename.rpartition("/")[2]))
        found = getattr(found, "__wrapped__", None)
    assert ("wrapped", "problems.py") in layers


def test_few_things_are_public() -> None:
    """Whoever opens one more says so here, too."""
    assert {path for (_, path), need in ACCESS.items() if need is Open.PUBLIC} == {
        "health", "ready", "metrics", "openapi.json", "approve",
    }  # fmt: skip


def test_one_thing_needs_a_name_and_no_role() -> None:
    """That somebody has no role must be theirs to learn; it tells of nobody else."""
    named = {route for route, need in ACCESS.items() if need is Open.SIGNED_IN}
    assert named == {("GET", "v1/me")}


def test_who_views_changes_nothing() -> None:
    """Trying policy out and asking where to listen are POSTs, and change nothing either."""
    changing = {
        route for route, need in ACCESS.items() if need is Role.VIEWER and route[0] != "GET"
    }
    assert changing == {("POST", "v1/policy/replay"), ("POST", "v1/negotiate")}


@pytest.mark.parametrize("handler", [of_nobody, not_registered])
async def test_a_route_without_a_rule_is_closed(handler: object) -> None:
    """Also for the local user, who may do everything else."""
    call = getattr(handler, "_function", None)
    found = call.get_user_function() if call is not None else handler
    req = func.HttpRequest("GET", "/api/v1/tickets", body=b"")

    said = await found(req)  # type: ignore[operator]

    assert (said.status_code, b"no rule says who" in said.get_body()) == (403, True)


def test_a_name_lasts_as_long_as_its_request() -> None:
    """The next one has its own, or none."""
    with asking(LOCAL):
        assert present() is LOCAL
        with asking(None):
            assert present() is None
        assert present() is LOCAL
    assert present() is None


def test_the_description_says_what_needs_a_token() -> None:
    """401 and the scheme, for every role."""
    for (method, path), need in ACCESS.items():
        described = document()["paths"][f"/{path}"][method.lower()]
        if isinstance(need, Role) or need is Open.SIGNED_IN:
            assert {"bearer": []} in described["security"]
            assert "401" in described["responses"]
