"""HTTP triggers through a running host: what a function gets, and what a caller gets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.front import State
from localhost.host import Host

ANONYMOUS = func.AuthLevel.ANONYMOUS


def make_app() -> df.DFApp:  # noqa: C901  many small functions, nothing branches
    """Return an app with one function per promise below."""
    app = df.DFApp(http_auth_level=ANONYMOUS)

    @app.route(route="echo/{kind}/{name?}", methods=["POST", "PUT"])
    def echo(req: func.HttpRequest) -> func.HttpResponse:
        seen = {
            "method": req.method,
            "url": req.url,
            "route": dict(req.route_params),
            "params": dict(req.params),
            "headers": {k: v for k, v in req.headers.items() if k.startswith(("x-", "content-"))},
            "body": req.get_body().decode("latin-1"),
        }
        return func.HttpResponse(json.dumps(seen), mimetype="application/json", status_code=201)

    @app.route(route="text")
    def text(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "plain ü"

    @app.route(route="nothing")
    async def nothing(req: func.HttpRequest) -> None:
        """Return nothing."""

    @app.route(route="bytes")
    def binary(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.get_body()[::-1], mimetype="application/octet-stream")

    @app.route(route="cookies")
    def cookies(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        response = func.HttpResponse("ok")
        response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", "b=2; SameSite=Lax")
        response.headers["X-Mine"] = "kept"
        return response

    @app.route(route="broken")
    def broken(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        raise ValueError("a secret detail")

    @app.route(route="wrong")
    def wrong(req: func.HttpRequest) -> Any:  # noqa: ARG001
        return {"not": "a response"}

    @app.route(route="slow")
    async def slow(req: func.HttpRequest) -> str:  # noqa: ARG001
        await asyncio.sleep(5)
        return "late"

    @app.route(route="context")
    def context(req: func.HttpRequest, context: func.Context) -> str:  # noqa: ARG001
        return f"{context.function_name} {len(context.invocation_id)}"

    @app.route(route="form", methods=["POST"])
    def form(req: func.HttpRequest) -> str:
        return str(req.form["a"])

    return app


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host that runs the app above."""
    (tmp_path / "host.json").write_text(
        json.dumps(
            {
                "functionTimeout": "00:00:01",
                "extensions": {"http": {"customHeaders": {"X-Frame-Options": "DENY"}}},
            }
        )
    )
    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "data") as host:
        yield host


@pytest.fixture
async def client(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with httpx.AsyncClient(base_url=host.url) as client:
        yield client


async def test_a_function_sees_the_whole_request(client: httpx.AsyncClient) -> None:
    """Method, URL, decoded route, joined query and headers, body."""
    answer = await client.post(
        "/api/echo/a%2Fb%2525/x?q=1&q=2&r=%C3%BC",
        content=b"\x00\xffbody",
        headers=[("X-One", "1"), ("X-One", "2"), ("Content-Type", "a/b")],
    )
    seen = answer.json()

    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert seen["method"] == "POST"
    assert seen["url"].endswith("/api/echo/a%2Fb%2525/x?q=1&q=2&r=%C3%BC")
    assert seen["route"] == {"kind": "a/b%25", "name": "x"}
    assert seen["params"] == {"q": "1,2", "r": "ü"}
    assert seen["headers"]["x-one"] == "1,2"
    assert seen["headers"]["content-type"] == "a/b"
    assert seen["body"] == "\x00\xffbody"


async def test_an_optional_part_may_be_missing(client: httpx.AsyncClient) -> None:
    """Then it is not among the route parameters."""
    assert (await client.put("/API/echo/k")).json()["route"] == {"kind": "k"}


async def test_kinds_of_answers(client: httpx.AsyncClient) -> None:
    """Text, nothing, bytes."""
    text = await client.get("/api/text")
    nothing = await client.get("/api/nothing")
    binary = await client.post("/api/bytes", content=bytes(range(256)))

    assert (text.status_code, text.text) == (200, "plain ü")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert binary.content == bytes(range(256))[::-1]
    assert binary.headers["content-type"] == "application/octet-stream"


async def test_every_cookie_is_a_header_of_its_own(client: httpx.AsyncClient) -> None:
    """Two Set-Cookie headers stay two, with their attributes."""
    answer = await client.get("/api/cookies")

    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/; HttpOnly", "b=2; SameSite=Lax"]
    assert answer.headers["x-mine"] == "kept"


async def test_custom_headers_of_host_json_are_added(client: httpx.AsyncClient) -> None:
    """To every answer of a function, failures included."""
    assert (await client.get("/api/text")).headers["x-frame-options"] == "DENY"
    assert (await client.get("/api/broken")).headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("route", ["broken", "wrong", "slow"])
async def test_a_failing_function_is_an_empty_500(
    client: httpx.AsyncClient, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Raised, returned rubbish, or took longer than functionTimeout: details only in the log."""
    answer = await client.get(f"/api/{route}")

    assert (answer.status_code, answer.content) == (500, b"")
    assert any(route in record.message for record in caplog.records)


async def test_the_context_parameter_is_filled(client: httpx.AsyncClient) -> None:
    """func.Context, as the worker gives it."""
    assert (await client.get("/api/context")).text == "context 36"


async def test_forms_are_parsed_by_the_sdk(client: httpx.AsyncClient) -> None:
    """The request object is the SDK's own."""
    assert (await client.post("/api/form", data={"a": "x y"})).text == "x y"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/echo/k"), ("GET", "/api/nobody"), ("POST", "/nothing"), ("GET", "/apitext")],
)
async def test_what_is_not_there_is_404(client: httpx.AsyncClient, method: str, path: str) -> None:
    """A wrong method too, as on the real host."""
    assert (await client.request(method, path)).status_code == 404


async def test_the_root_says_that_it_runs(client: httpx.AsyncClient) -> None:
    """As the real host's page does."""
    assert (await client.get("/")).status_code == 200


async def test_health_is_the_hosts_unless_the_app_has_its_own(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """One rule for scripts that wait for the host."""
    answer = await client.get("/api/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    app = df.DFApp(http_auth_level=ANONYMOUS)

    @app.route(route="health")
    def health(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "mine"

    other = Host(app=app, app_dir=tmp_path / "none", data_dir=tmp_path / "other")
    async with other, httpx.AsyncClient(base_url=other.url) as theirs:
        assert (await theirs.get("/api/health")).text == "mine"


async def test_a_body_over_the_limit_is_413(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declared or streamed; the limit itself is let through."""
    monkeypatch.setattr("localhost.http.MAX_BODY_BYTES", 1_000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    assert (await client.post("/api/bytes", content=b"x" * 1_000)).status_code == 200
    assert (await client.post("/api/bytes", content=b"x" * 1_001)).status_code == 413
    assert (await client.post("/api/bytes", content=chunks())).status_code == 413


async def test_a_body_that_is_declared_too_large_is_not_waited_for(host: Host) -> None:
    """The refusal comes after the headers, before a hundred megabytes."""
    reader, writer = await asyncio.open_connection(*host.url[7:].split(":"))
    writer.write(
        b"POST /api/bytes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:7071", 200),
        ("[::1]:7071", 200),
        ("LOCALHOST", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("localhost.", 400),
        ("", 400),
    ],
)
async def test_only_names_of_this_host_are_answered(
    client: httpx.AsyncClient, name: str, status: int
) -> None:
    """A page elsewhere that points its own name at 127.0.0.1 gets nothing."""
    answer = await client.get("/api/text", headers={"Host": name})

    assert answer.status_code == status


PING = "/admin/host/ping"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", PING, {}, 200),
        ("POST", PING, {"Origin": "http://evil.example"}, 403),
        ("POST", "/Admin/host/ping", {"Origin": "null"}, 403),
        ("POST", PING, {"Origin": "http://localhost:3000"}, 403),
        ("POST", PING, {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", PING, {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", PING, {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", PING, {"Sec-Fetch-Site": "cross-site"}, 200),
        (
            "DELETE",
            "/runtime/webhooks/durabletask/instances",
            {"Origin": "http://evil.example"},
            403,
        ),
        ("POST", "/durabletask/orchestrators/x", {"Origin": "http://evil.example"}, 403),
        ("POST", "/api/bytes", {"Origin": "http://evil.example"}, 200),
    ],
)
async def test_pages_of_other_origins_cannot_command_the_host(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """A web page in the developer's browser must not start or purge anything."""
    assert (await client.request(method, path, headers=headers)).status_code == status


async def test_the_hosts_own_pages_may(host: Host, client: httpx.AsyncClient) -> None:
    """The same origin is no stranger."""
    assert (await client.post(PING, headers={"Origin": host.url})).status_code == 200


@pytest.mark.parametrize("state", [State.STARTING, State.STOPPING, State.BROKEN])
async def test_outside_its_working_time_the_host_says_503(
    host: Host, client: httpx.AsyncClient, state: State
) -> None:
    """With Retry-After, so that callers come back."""
    host._front.state = state
    try:
        answer = await client.get("/api/text")
    finally:
        host._front.state = State.READY

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


async def test_stopping_waits_for_requests_that_run(tmp_path: Path) -> None:
    """An answer that was begun is given."""
    app = df.DFApp(http_auth_level=ANONYMOUS)
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.route(route="wait")
    async def wait(req: func.HttpRequest) -> str:  # noqa: ARG001
        begun.set()
        await go_on.wait()
        return "done"

    host = Host(app=app, app_dir=tmp_path, data_dir=tmp_path / "data")
    async with host, httpx.AsyncClient(base_url=host.url) as client:
        asking = asyncio.create_task(client.get("/api/wait"))
        await begun.wait()
        stopping = asyncio.create_task(host.stop())
        await asyncio.sleep(0)
        late = await client.get("/api/wait")
        go_on.set()
        answer = await asking
        await stopping

    assert (answer.status_code, answer.text) == (200, "done")
    assert late.status_code == 503


@pytest.mark.long
async def test_an_idle_connection_outlives_what_clients_keep(tmp_path: Path) -> None:
    """Were it closed first, it could be closed under a request that is just being sent."""
    async with Host(app_dir=tmp_path, data_dir=tmp_path / "data", app=func.FunctionApp()) as host:
        address, _, port = host.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(address, int(port))
        for pause in (0, 16):  # aiohttp keeps idle connections for 15 s
            await asyncio.sleep(pause)
            writer.write(b"GET /api/health HTTP/1.1\r\nHost: " + f"{address}:{port}".encode())
            writer.write(b"\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()
