"""Web pages beside the functions, and WebSockets to those pages."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.__main__ import _site
from localhost.host import Host
from localhost.pubsub import BASE, PROTOCOL

CONFIG = {
    "routes": [
        {"route": "/assets/*", "headers": {"Cache-Control": "immutable"}},
        {"route": "/old/*", "rewrite": "/other.html"},
    ],
    "navigationFallback": {"rewrite": "/index.html", "exclude": ["/assets/*", "/api/*", "/*.{js}"]},
    "globalHeaders": {"X-Policy": "strict", "Cache-Control": "no-cache"},
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with a built site."""
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>index</h1>")
    (folder / "other.html").write_text("<h1>other</h1>")
    (folder / "assets" / "app.js").write_text("let one = 1;\n" * 200)
    (folder / "staticwebapp.config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "secret.txt").write_text("not yours")
    return folder


def make_app() -> df.DFApp:
    """Return an app with one function."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route(route="text")
    def text(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "from a function"

    return app


@pytest.fixture
async def host(tmp_path: Path, site: Path) -> AsyncIterator[Host]:
    """Yield a running host that serves the site."""
    async with Host(app=make_app(), data_dir=tmp_path / "data", site=site) as running:
        yield running


@pytest.fixture
async def http(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of it."""
    async with httpx.AsyncClient(base_url=host.url, trust_env=False) as client:
        yield client


async def test_files_have_the_headers_of_the_configuration(http: httpx.AsyncClient) -> None:
    """Everywhere the global ones; a route's own win."""
    front, asset = await http.get("/"), await http.get("/assets/app.js")

    assert (front.text, front.headers["x-policy"]) == ("<h1>index</h1>", "strict")
    assert front.headers["content-type"].startswith("text/html")
    assert asset.headers["cache-control"] == "immutable"
    assert asset.headers["content-encoding"] == "gzip"
    assert asset.text.startswith("let one")
    plain = await http.get("/assets/app.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_what_is_no_file_is_a_page_of_the_app_or_missing(http: httpx.AsyncClient) -> None:
    """As the fallback's list of exceptions says; functions come first."""
    assert (await http.get("/tickets/7")).text == "<h1>index</h1>"
    assert (await http.get("/old/way")).text == "<h1>other</h1>"
    for path in ("/assets/gone.js", "/gone.js", "/api/gone"):
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["x-policy"]) == (404, "strict")
    assert (await http.get("/api/text")).text == "from a function"
    assert (await http.post("/tickets/7")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/%00"]
)
async def test_nothing_outside_is_served(host: Host, path: str) -> None:
    """Whatever the path looks like."""
    address = host.url.removeprefix("http://")
    name, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert b"not yours" not in answer


async def test_it_may_be_built_while_the_host_runs(http: httpx.AsyncClient, site: Path) -> None:
    """Until then a page says so; a new build is served at once."""
    (site / "index.html").unlink()
    missing = await http.get("/")
    (site / "index.html").write_text("<h1>again</h1>")
    first = await http.get("/")
    seen = await http.get("/", headers={"If-None-Match": first.headers["etag"]})

    assert (missing.status_code, "not built yet" in missing.text) == (503, True)
    assert (first.text, seen.status_code, seen.content) == ("<h1>again</h1>", 304, b"")


async def test_a_broken_configuration_breaks_nothing(http: httpx.AsyncClient, site: Path) -> None:
    """The files are served without its headers."""
    (site / "staticwebapp.config.json").write_text("{")
    assert (await http.get("/")).status_code == 200


async def test_without_a_site_the_front_page_is_as_ever(tmp_path: Path) -> None:
    """As the real host's."""
    async with (
        Host(app=make_app(), data_dir=tmp_path / "data") as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        assert (await client.get("/")).text == "Your function app is up and running."


def test_the_usual_folder(tmp_path: Path) -> None:
    """Only of an app that has such pages; it need not be built yet."""
    (tmp_path / "with" / "dashboard").mkdir(parents=True)
    assert _site(None, tmp_path / "with") == tmp_path / "with" / "dashboard" / "dist"
    assert _site(None, tmp_path) is None
    assert _site(tmp_path, tmp_path / "with") == tmp_path


class Socket:
    """The little of WebSocket that the tests need."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, host: Host, path: str, **headers: str) -> tuple[int, "Socket"]:
        """Ask for a connection; return the status and the socket."""
        address = host.url.removeprefix("http://")
        name, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        lines = {
            "Host": address,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Protocol": PROTOCOL,
            **headers,
        }
        head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        return int(answer.split()[1]), cls(reader, writer)

    async def read(self) -> dict[str, object]:
        """Return the next frame."""
        async with asyncio.timeout(5):
            _, length = await self._reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self._reader.readexactly(2))
            return dict(json.loads(await self._reader.readexactly(length)))

    def write(self, frame: object) -> None:
        """Send a short frame."""
        data, mask = json.dumps(frame).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._writer.write(bytes([0x81, 0x80 | len(data)]) + mask + masked)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def address(http: httpx.AsyncClient, hub: str = "mend") -> str:
    """Return the path of a connection that is let in."""
    answer = await http.post(f"/{BASE}/api/hubs/{hub}/:generateToken")
    return f"/client/hubs/{hub}?access_token={answer.json()['token']}"


async def test_what_is_published_arrives(host: Host, http: httpx.AsyncClient) -> None:
    """With everybody on the hub, and nobody else."""
    status, here = await Socket.open(host, await address(http), Origin=host.url)
    _, elsewhere = await Socket.open(host, await address(http, "other"))
    welcome = await here.read()
    await elsewhere.read()
    await http.post(f"/{BASE}/api/hubs/mend/:send", json={"kind": "ticket.updated", "id": "T"})
    heard = await here.read()
    here.write({"type": "ping"})
    here.write({"type": "joinGroup", "group": "g", "ackId": 3})
    answers = [await here.read(), await here.read()]
    elsewhere.write({"type": "ping"})

    assert (status, welcome["event"]) == (101, "connected")
    assert (heard["type"], heard["data"]) == ("message", {"kind": "ticket.updated", "id": "T"})
    assert answers == [{"type": "pong"}, {"type": "ack", "ackId": 3, "success": True}]
    assert await elsewhere.read() == {"type": "pong"}
    here.close()
    elsewhere.close()


async def test_who_is_not_let_in(host: Host, http: httpx.AsyncClient) -> None:
    """Without a token, with one of another hub, as a page from elsewhere, in another protocol."""
    path = await address(http)
    wrong = [
        Socket.open(host, "/client/hubs/mend"),
        Socket.open(host, path.replace("mend", "other")),
        Socket.open(host, path, Origin="http://evil.example"),
        Socket.open(host, path, Host="evil.example"),
        Socket.open(host, path, **{"Sec-WebSocket-Protocol": "else"}),
        Socket.open(host, "/api/text"),
    ]
    for one in wrong:
        status, socket = await one
        assert status == 403
        socket.close()
    foreign = {"Origin": "http://evil.example"}
    answer = await http.post(f"/{BASE}/api/hubs/mend/:generateToken", headers=foreign)
    assert answer.status_code == 403
