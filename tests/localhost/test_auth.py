"""Keys: who may call what when the host runs with --auth."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import httpx
import pytest

from localhost.host import Host, check_bind
from localhost.keys import Keys
from localhost.settings import BadSettings

API = "/runtime/webhooks/durabletask"


def make_app() -> df.DFApp:
    """Return an app with one function per level, and an orchestration."""
    app = df.DFApp()

    @app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
    def everybody(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "ok"

    @app.route(route="keyed")
    def keyed(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "ok"

    @app.route(route="other")
    def other(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "ok"

    @app.route(route="root", auth_level=func.AuthLevel.ADMIN)
    def root(req: func.HttpRequest) -> str:  # noqa: ARG001
        return "ok"

    @app.route(route="start", auth_level=func.AuthLevel.ANONYMOUS)
    @app.durable_client_input(client_name="client")
    async def start(
        req: func.HttpRequest, client: df.DurableOrchestrationClient
    ) -> func.HttpResponse:
        return client.create_check_status_response(req, await client.start_new("it"))

    @app.orchestration_trigger(context_name="context")
    def it(context: Any) -> Any:  # noqa: ARG001
        return 1
        yield

    return app


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A host that asks for keys."""
    async with Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "d", auth=True) as host:
        yield host


@pytest.fixture
async def http(host: Host) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with httpx.AsyncClient(base_url=host.url) as client:
        yield client


@pytest.fixture
def keys(host: Host, tmp_path: Path) -> Keys:
    """The keys as they are in the file."""
    return Keys(tmp_path / "d" / "hub" / "keys.json", [f.function.name for f in host.app.http])


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/open", "", 200),
        ("/api/health", "", 200),
        ("/api/keyed", "", 401),
        ("/api/keyed", "wrong", 401),
        ("/api/keyed", "keyed", 200),
        ("/api/keyed", "other", 401),
        ("/api/keyed", "host", 200),
        ("/api/keyed", "master", 200),
        ("/api/keyed", "system", 401),
        ("/api/root", "root", 401),
        ("/api/root", "host", 401),
        ("/api/root", "master", 200),
        ("/admin/functions", "host", 401),
        ("/admin/functions", "system", 401),
        ("/admin/functions", "master", 200),
        (f"{API}/instances", "", 401),
        (f"{API}/instances", "host", 401),
        (f"{API}/instances", "system", 200),
        (f"{API}/instances", "master", 200),
    ],
)
async def test_who_may_call_what(
    http: httpx.AsyncClient, keys: Keys, path: str, key: str, status: int
) -> None:
    """Each row is one cell of the matrix; header and query work alike."""
    named = {"host": keys.host, "master": keys.master, "system": keys.system}
    for function in ("keyed", "other", "root"):
        named[function] = keys.function(function)
    shown = named.get(key, key)

    by_header = await http.get(path, headers={"x-functions-key": shown})
    by_query = await http.get(path, params={"code": shown})

    assert (by_header.status_code, by_query.status_code) == (status, status)


async def test_links_for_clients_carry_the_system_key(http: httpx.AsyncClient, keys: Keys) -> None:
    """And only that one; the client itself needs none."""
    answer = await http.post("/api/start")
    url = answer.json()["statusQueryGetUri"]

    assert f"code={keys.system}" in url
    assert (await http.get(url)).status_code in (200, 202)
    assert keys.master not in answer.text
    assert keys.host not in answer.text


def test_keys_are_kept_and_private(tmp_path: Path) -> None:
    """The same after a restart; new functions get new ones; nobody else may read them."""
    path = tmp_path / "keys.json"
    first = Keys(path, ["a"])
    second = Keys(path, ["a", "b"])

    assert path.stat().st_mode & 0o777 == 0o600
    assert (first.master, first.host, first.function("a")) == (
        second.master,
        second.host,
        second.function("a"),
    )
    everything = [second.master, second.host, second.system, second.function("a")]
    assert len({*everything, second.function("b")}) == 5
    assert all(len(key) >= 40 for key in everything)
    assert set(json.loads(path.read_text())["functions"]) == {"a", "b"}


def test_keys_may_be_chosen(tmp_path: Path) -> None:
    """A key in the file stays, as for tests with known keys."""
    path = tmp_path / "keys.json"
    path.write_text('{"functions": {"a": "mine"}}')

    assert Keys(path, ["a"]).function("a") == "mine"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_other_machines_need_keys(address: str) -> None:
    """Without --auth the host listens on loopback only."""
    with pytest.raises(BadSettings, match="--auth"):
        check_bind(address, auth=False)
    check_bind(address, auth=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback_needs_none(address: str) -> None:
    """As `func start`."""
    check_bind(address, auth=False)


async def test_without_auth_nobody_is_asked(tmp_path: Path) -> None:
    """The default on a developer's machine."""
    host = Host(app=make_app(), app_dir=tmp_path, data_dir=tmp_path / "d")
    async with host, httpx.AsyncClient(base_url=host.url) as http:
        for path in ("/api/keyed", "/api/root", "/admin/functions", f"{API}/instances"):
            assert (await http.get(path)).status_code == 200
    assert not (tmp_path / "d" / "hub" / "keys.json").exists()
