"""ASP.NET route templates: what matches, with which values, and what comes first."""

import pytest

from localhost.routes import BadTemplate, Route, Router, Template, split_path


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        pytest.param("v1/tickets", "/v1/tickets", {}, id="literal"),
        pytest.param("v1/tickets", "/V1/Tickets/", {}, id="case and slashes do not matter"),
        pytest.param("v1/tickets", "/v1/tickets/7", None, id="too long"),
        pytest.param("v1/tickets/{id}", "/v1/tickets/7", {"id": "7"}, id="parameter"),
        pytest.param("v1/tickets/{id}", "/v1/tickets", None, id="parameter is needed"),
        pytest.param("t/{id}", "/t/a%20b%2Fc%2525", {"id": "a b/c%25"}, id="decoded once"),
        pytest.param("t/{id?}", "/t", {}, id="optional missing"),
        pytest.param("t/{id?}", "/t/5", {"id": "5"}, id="optional given"),
        pytest.param("t/{id:int?}", "/t/x", None, id="optional with constraint"),
        pytest.param("t/{page=1}", "/t", {"page": "1"}, id="default"),
        pytest.param("t/{page:int=1}", "/t/2", {"page": "2"}, id="constraint and default"),
        pytest.param("t/{id:int}", "/t/12", {"id": "12"}, id="int"),
        pytest.param("t/{id:int}", "/t/99999999999", None, id="int has 32 bits"),
        pytest.param("t/{id:long}", "/t/99999999999", {"id": "99999999999"}, id="long"),
        pytest.param("t/{id:guid}", "/t/nope", None, id="no guid"),
        pytest.param(
            "t/{id:guid}",
            "/t/3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            {"id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
            id="guid",
        ),
        pytest.param("t/{b:bool}", "/t/TRUE", {"b": "TRUE"}, id="bool"),
        pytest.param("t/{d:datetime}", "/t/2026-01-02", {"d": "2026-01-02"}, id="datetime"),
        pytest.param("t/{n:double}", "/t/1.5", {"n": "1.5"}, id="double"),
        pytest.param("t/{a:alpha}", "/t/abc1", None, id="alpha"),
        pytest.param("t/{n:min(5)}", "/t/4", None, id="below min"),
        pytest.param("t/{n:range(1,5)}", "/t/5", {"n": "5"}, id="range"),
        pytest.param("t/{n:length(3)}", "/t/abcd", None, id="length"),
        pytest.param("t/{n:minlength(2):maxlength(3)}", "/t/abc", {"n": "abc"}, id="two"),
        pytest.param(r"t/{n:regex(^\d{{3}}$)}", "/t/123", {"n": "123"}, id="regex"),
        pytest.param(r"t/{n:regex(^\d{{3}}$)}", "/t/1234", None, id="regex refuses"),
        pytest.param("f/{*rest}", "/f/a/b%20c/d", {"rest": "a/b c/d"}, id="catch all"),
        pytest.param("f/{*rest}", "/f", {}, id="catch all of nothing"),
        pytest.param("{*rest}", "/", {}, id="catch all at the root"),
        pytest.param("v{n}/{name}.json", "/v2/a.b.json", {"n": "2", "name": "a.b"}, id="mixed"),
        pytest.param("v{n}/x", "/w2/x", None, id="mixed refuses"),
        pytest.param("", "/", {}, id="root"),
    ],
)
def test_matching(template: str, path: str, expected: dict[str, str] | None) -> None:
    """Each row is one promise of the template language."""
    assert Template(template).match(split_path(path)) == expected


@pytest.mark.parametrize(
    "template",
    ["t/{id", "t/id}", "t/{}", "t/{id:nothing}", "t/{id:min(x)}", "t/{1d}"],
)
def test_malformed_templates_are_refused(template: str) -> None:
    """At start, with the template in the message."""
    with pytest.raises(BadTemplate, match="route"):
        Template(template)


def test_specific_routes_come_before_general_ones_whatever_their_order() -> None:
    """Literal, constrained, free, catch-all."""
    templates = ["{*rest}", "t/{id}", "t/{id:int}", "t/facets", "t/{id}/events", "t"]
    router = Router(Route(Template(text), frozenset(), text) for text in templates)

    def found(path: str) -> str | None:
        match = router.find("GET", path)
        return None if match is None else match[0]

    assert [found(path) for path in ("/t/facets", "/t/7", "/t/x", "/t/7/events", "/t", "/z")] == [
        "t/facets",
        "t/{id:int}",
        "t/{id}",
        "t/{id}/events",
        "t",
        "{*rest}",
    ]


def test_methods_choose_between_routes_and_a_wrong_one_is_not_found() -> None:
    """The real host answers 404, not 405."""
    get, put = frozenset({"GET"}), frozenset({"PUT"})
    router = Router([Route(Template("t/{id}"), get, "get"), Route(Template("t/{x}"), put, "put")])

    assert router.find("PUT", "/t/1") == ("put", {"x": "1"})
    assert router.find("GET", "/t/1") == ("get", {"id": "1"})
    assert router.find("POST", "/t/1") is None
