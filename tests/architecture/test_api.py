"""The description of the API and the API are one."""

import json
import re

import pytest

from tests.architecture.test_wiring import ROOT, functions
from triggers import nowhere
from triggers.description import OPERATIONS, document


def registered() -> set[tuple[str, str]]:
    """Return method and path of every HTTP function, but for what answers for all the rest."""
    found = set()
    for function in functions("httpTrigger").values():
        values = function.get_trigger().get_dict_repr()
        if values["route"] == nowhere.ROUTE:
            continue
        methods = [getattr(method, "value", method) for method in values["methods"]]
        found |= {(str(method), str(values["route"])) for method in methods}
    return found


def test_every_call_is_described_and_every_description_is_a_call() -> None:
    """Whoever adds a route says what it takes and answers."""
    assert registered() == set(OPERATIONS)


def test_the_committed_description_is_the_present_one() -> None:
    """``make openapi`` writes it; whoever changes the API sees the change in the diff."""
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert committed == json.loads(json.dumps(document())), "run `make openapi`"


@pytest.mark.parametrize(("route", "operation"), OPERATIONS.items(), ids=str)
def test_a_path_names_its_parameters(route: tuple[str, str], operation: object) -> None:
    """Each ``{name}`` is described, and nothing else is."""
    in_path = set(re.findall(r"\{(\w+)\}", route[1]))
    described = {one["name"] for one in getattr(operation, "parameters", ()) if one["in"] == "path"}
    assert described == in_path


def test_references_lead_somewhere() -> None:
    """No schema is named that is not there; none is there that nobody names."""
    text = json.dumps(document())
    named = set(re.findall(r"#/components/schemas/([\w-]+)", text))
    assert named <= set(document()["components"]["schemas"])
