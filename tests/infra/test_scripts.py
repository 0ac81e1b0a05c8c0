"""The programs that touch a subscription, against stand-ins for Azure."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts import dashboard_config, seed_vault, verify_azure
from shared.security.credentials import parse_credentials
from shared.signing import parse_keys
from shared.stores.cosmos.schema import CONTAINERS, LEASES

ROOT = Path(__file__).resolve().parents[2]
TENANT = "00000000-0000-4000-8000-0000000000bb"
APP = "https://func-mend-x.azurewebsites.net"
ASKED = ["--app", APP, "--group", "rg-mend-test"]
GOOD = {
    "allowSharedKeyAccess": False,
    "disableLocalAuth": True,
    "DisableLocalAuth": True,
    "enableRbacAuthorization": True,
}
METRICS = "# TYPE mend_up gauge\nmend_up 1\nmend_canary_late 0\nmend_canary_seconds 3.5\n"

Fetch = Callable[[str, str], tuple[int, str]]


def answering(**other: tuple[int, str]) -> Fetch:
    """Return a healthy app, but for the calls whose last part is named."""

    def fetch(_: str, url: str) -> tuple[int, str]:
        name = url.rsplit("/", 1)[-1].replace("-", "_")
        if url.startswith("http://"):
            return other.get("http", (301, ""))
        if name in other:
            return other[name]
        if name == "ready":
            return 200, '{"checks": {"store": "ok"}}'
        if name == "metrics":
            return 200, METRICS
        return (200, "{}") if name == "health" else (401, "")

    return fetch


def az(arguments: list[str], **other: Any) -> Any:
    """Return what a deployment as infra/ describes it would say."""
    rules = other.get("rules", ("silent", "canary-late", "dead-letters"))
    kind, asked = arguments[0], arguments[1]
    if arguments[-1] == "Microsoft.Insights/scheduledQueryRules":
        return [{"name": f"mend-health-{name}"} for name in rules]
    if asked == "show":
        return {"properties": {**GOOD, **other.get("properties", {})}}
    if asked == "function":
        return other.get("functions", [{"name": "health"}])
    if (kind, asked) == ("cosmosdb", "sql"):
        return [{"name": name} for name in other.get("containers", verify_azure.CONTAINERS)]
    return [{"id": "/x", "name": "x"}]


def test_a_good_deployment_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, and exit code 0."""
    ended = verify_azure.main([*ASKED, "--canary-minutes", "1"], fetching=answering(), asking=az)
    told = capsys.readouterr().out.splitlines()

    assert ended == 0
    assert len(told) == len(verify_azure.CHECKS) + 1
    assert all(line.startswith("holds") for line in told)


@pytest.mark.parametrize(
    ("fetch", "other", "said"),
    [
        (answering(health=(503, "")), {}, "answers 503"),
        (answering(ready=(503, '{"checks": {"store": "away"}}')), {}, "away"),
        (answering(metrics=(200, "mend_up 1\nmend_canary_late 1\n")), {}, "canary is late"),
        (answering(metrics=(503, "")), {}, "mend_up is None"),
        (answering(tickets=(200, "{}")), {}, "v1/tickets answers 200"),
        (answering(kill_switch=(200, "{}")), {}, "kill-switch answers 200"),
        (answering(azure_monitor=(202, "{}")), {}, "azure-monitor answers 202"),
        (answering(http=(200, "")), {}, "http is answered with 200"),
        (answering(), {"functions": []}, "refused the app"),
        (answering(), {"containers": ["tickets"]}, "'trail'"),
        (answering(), {"properties": {"allowSharedKeyAccess": True}}, "allowSharedKeyAccess"),
        (answering(), {"properties": {"disableLocalAuth": None}}, "disableLocalAuth"),
        (answering(), {"rules": ["silent"]}, "alert rules are missing"),
    ],
)
def test_a_broken_promise_is_told(
    fetch: Fetch, other: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which one, and what is there instead."""
    ended = verify_azure.main(
        ASKED, fetching=fetch, asking=lambda arguments: az(arguments, **other)
    )
    assert ended == 1
    assert said in capsys.readouterr().out


def test_what_cannot_be_asked_does_not_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """No ``az``, no rights, no network: unknown, and never green."""

    def refusing(arguments: list[str]) -> Any:
        raise RuntimeError(f"not allowed: {arguments[0]}")

    assert verify_azure.main(ASKED, fetching=answering(), asking=refusing) == 2
    assert "unknown" in capsys.readouterr().out


def test_a_dry_run_asks_nothing() -> None:
    """It names every promise; run as a person runs it, with no library of ours at hand."""
    command = [sys.executable, "-I", "scripts/verify_azure.py", *ASKED, "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.count("would look: ") == len(verify_azure.CHECKS)


def test_it_knows_the_containers_of_the_code() -> None:
    """It is run without the code's libraries, so it has a list of its own."""
    assert {one.name for one in CONTAINERS} | {LEASES} == verify_azure.CONTAINERS


class Vault:
    """Stands in for ``az keyvault``."""

    def __init__(self, **there: str) -> None:
        self.stored = dict(there)
        self.commands: list[list[str]] = []

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Answer a command."""
        self.commands.append(command)
        if "list" in command:
            told = json.dumps([{"name": name} for name in self.stored])
            return subprocess.CompletedProcess(command, 0, told, "")
        name = command[command.index("--name") + 1]
        self.stored[name] = Path(command[command.index("--file") + 1]).read_text()
        return subprocess.CompletedProcess(command, 0, "", "")


def test_what_is_missing_is_stored_once() -> None:
    """Keys that the app can read; a second run changes nothing; no secret is an argument."""
    vault = Vault()
    asked = ["--vault", "kv", "--tenant", TENANT, "--audience", "api://mend"]
    assert seed_vault.main(asked, vault.run) == 0
    first = dict(vault.stored)
    assert seed_vault.main(asked, vault.run) == 0

    assert vault.stored == first
    assert set(first) == {"mend-signing-keys", "mend-webhook-secrets"}
    (key,) = parse_keys(first["mend-signing-keys"])
    assert key.kid == f"{datetime.now(UTC):%Y%m}"
    senders = parse_credentials(first["mend-webhook-secrets"])
    assert set(senders) == {"adf", "azure-monitor", "databricks"}
    shown = " ".join(part for command in vault.commands for part in command)
    password = json.loads(first["mend-webhook-secrets"])["adf"].partition(":")[2]
    assert not {password, first["mend-signing-keys"].partition(":")[2]} & set(shown.split())


def test_what_is_there_stays() -> None:
    """New keys would make every signed link and callback invalid."""
    vault = Vault(**{"mend-signing-keys": "old:x"})
    seed_vault.main(["--vault", "kv"], vault.run)
    assert vault.stored["mend-signing-keys"] == "old:x"


def test_a_vault_that_refuses_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""

    def refuse(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "Forbidden\n")

    assert seed_vault.main(["--vault", "kv"], refuse) == 1
    assert capsys.readouterr().err == "kv: Forbidden\n"


def a_site(folder: Path) -> Path:
    """Write what ``npm run build`` leaves, as far as it is looked at."""
    policy = {"Content-Security-Policy": "default-src 'none'; connect-src 'self' wss://x"}
    site = {"globalHeaders": policy}
    (folder / "staticwebapp.config.json").write_text(json.dumps(site))
    return folder


def test_the_page_is_told_where_the_api_is(tmp_path: Path) -> None:
    """And may connect there, and nowhere else besides; twice is once."""
    site = a_site(tmp_path)
    for _ in range(2):
        dashboard_config.main([str(site), "--api", APP, "--client-id", "c", "--tenant-id", "t"])
    page = json.loads((site / "config.json").read_text())
    headers = json.loads((site / "staticwebapp.config.json").read_text())["globalHeaders"]

    assert page == {
        "api": f"{APP}/api",
        "client_id": "c",
        "tenant_id": "t",
        "authority": "https://login.microsoftonline.com/t/v2.0",
    }
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; connect-src 'self' {APP} https://login.microsoftonline.com wss://x"
    )


@pytest.mark.parametrize("api", ["http://x.example", "https://x.example/other", "x"])
def test_only_an_origin_is_taken(tmp_path: Path, api: str) -> None:
    """Whatever stands there goes into a security policy."""
    with pytest.raises(ValueError, match="origin"):
        dashboard_config.configure(a_site(tmp_path), api)


def test_another_environment_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """The page may not go on connecting to it; on one machine the API is beside the pages."""
    site, copy = a_site(tmp_path), tmp_path / "copy"
    dashboard_config.main([str(site), "--api", APP, "--client-id", "c", "--tenant-id", "t"])
    here = ["--client-id", "c", "--authority", "http://127.0.0.1:8703/t/v2.0", "--scope", "s"]
    dashboard_config.main([str(site), "--to", str(copy), "--api", "/api", *here])
    page = json.loads((copy / "config.json").read_text())
    headers = json.loads((copy / "staticwebapp.config.json").read_text())["globalHeaders"]

    assert (page["api"], page["scope"]) == ("/api", "s")
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; connect-src 'self' http://127.0.0.1:8703 wss://x"
    )
    assert APP in (site / "staticwebapp.config.json").read_text()


@pytest.mark.parametrize(
    "authority", ["http://login.example", "https://x;script-src *", "javascript:1", "login"]
)
def test_only_a_safe_authority_is_taken(tmp_path: Path, authority: str) -> None:
    """Whoever answers there says who people are."""
    with pytest.raises(ValueError, match="authority"):
        dashboard_config.configure(
            a_site(tmp_path), APP, dashboard_config.SignIn("c", authority=authority)
        )


def test_a_client_needs_a_tenant_and_azure_a_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the API demands a token, and a page that shows none is of no use."""
    for name in ("MEND_CLIENT_ID", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    site = str(a_site(tmp_path))
    with pytest.raises(ValueError, match="tenant"):
        dashboard_config.main([site, "--api", APP, "--client-id", "c"])
    with pytest.raises(SystemExit):
        dashboard_config.main([site, "--api", APP])


def test_our_own_policy_can_be_changed(tmp_path: Path) -> None:
    """The one that is shipped has the place to write to."""
    text = (ROOT / "dashboard" / "staticwebapp.config.json").read_text()
    (tmp_path / "staticwebapp.config.json").write_text(text)
    dashboard_config.configure(tmp_path, APP)
    assert APP in (tmp_path / "staticwebapp.config.json").read_text()
