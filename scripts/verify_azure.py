"""Ask a deployment on Azure for the promises that docs/operations.md makes.

    python3 scripts/verify_azure.py --app https://func-mend-x.azurewebsites.net --group rg-mend-prod
    python3 scripts/verify_azure.py ... --dry-run     only say what would be asked

Changes nothing, but for one canary with ``--canary-minutes``, which waits for the next one that the
app sends by itself. Needs Python and, for everything besides HTTP, a signed-in ``az``. Exits 1 if a
promise does not hold, 2 if one could not be looked at.
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_TIMEOUT_SECONDS = 30
CONTAINERS = frozenset({"tickets", "claims", "books", "trail", "leases"})

Fetch = Callable[[str, str], tuple[int, str]]
"""Takes a method and a URL, returns status and body; raises ``OSError`` without an answer."""
Az = Callable[[list[str]], Any]
"""Takes the arguments of ``az`` and returns what it printed; raises ``RuntimeError``."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is looked at, and how."""

    app: str
    group: str
    fetch: Fetch
    az: Az


@dataclass(frozen=True, slots=True)
class Check:
    """One promise; ``look`` returns what is wrong, or an empty text."""

    promise: str
    look: Callable[[Surroundings], str]


def _status(wanted: int, method: str, path: str) -> Callable[[Surroundings], str]:
    def look(at: Surroundings) -> str:
        status, body = at.fetch(method, f"{at.app}/api/{path}")
        return "" if status == wanted else f"{method} /api/{path} answers {status}: {body[:200]}"

    return look


def _ready(at: Surroundings) -> str:
    status, body = at.fetch("GET", f"{at.app}/api/ready")
    failing = {
        name: state for name, state in json.loads(body).get("checks", {}).items() if state != "ok"
    }
    return "" if status == 200 else f"not ready: {failing}"


def _metrics(at: Surroundings) -> str:
    status, body = at.fetch("GET", f"{at.app}/api/metrics")
    numbers = dict(
        line.rsplit(" ", 1) for line in body.splitlines() if line and not line.startswith("#")
    )
    if status != 200 or float(numbers.get("mend_up", 0)) != 1:
        return f"/api/metrics answers {status}, mend_up is {numbers.get('mend_up')}"
    return "a canary is late" if float(numbers.get("mend_canary_late", 0)) else ""


def _each(kind: str, query: str, wanted: object) -> Callable[[Surroundings], str]:
    """Return a look at one property of every resource of a kind in the group."""

    def look(at: Surroundings) -> str:
        found = at.az(["resource", "list", "-g", at.group, "--resource-type", kind])
        if not found:
            return f"there is no {kind} in {at.group}"
        wrong = []
        for one in found:
            shown = at.az(["resource", "show", "--ids", one["id"]])
            value: Any = shown
            for part in query.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if value != wanted:
                wrong.append(f"{one['name']}: {query} is {value!r}")
        return "; ".join(wrong)

    return look


def _functions(at: Surroundings) -> str:
    apps = at.az(["functionapp", "list", "-g", at.group])
    for app in apps:
        found = at.az(["functionapp", "function", "list", "-g", at.group, "-n", app["name"]])
        if not found:
            return f"{app['name']} has no functions: the worker has refused the app"
    return "" if apps else f"there is no function app in {at.group}"


def _containers(at: Surroundings) -> str:
    (account,) = at.az(["cosmosdb", "list", "-g", at.group])
    command = ["cosmosdb", "sql", "container", "list", "-g", at.group, "-d", "mend"]
    found = {one["name"] for one in at.az([*command, "-a", account["name"]])}
    missing = CONTAINERS - found
    return f"containers are missing: {sorted(missing)}" if missing else ""


def _health_alerts(at: Surroundings) -> str:
    kind = "Microsoft.Insights/scheduledQueryRules"
    found = at.az(["resource", "list", "-g", at.group, "--resource-type", kind])
    names = {one["name"] for one in found}
    missing = {"mend-health-silent", "mend-health-canary-late", "mend-health-dead-letters"} - names
    return f"alert rules are missing: {sorted(missing)}" if missing else ""


def _plain_http(at: Surroundings) -> str:
    status, _ = at.fetch("GET", f"{at.app}/api/health".replace("https://", "http://"))
    return "" if status in {301, 302, 307, 308, 403} else f"http is answered with {status}"


CHECKS = (
    Check("the app answers", _status(200, "GET", "health")),
    Check("what it depends on works: settings, store, canary", _ready),
    Check("its own numbers can be read, and no canary is late", _metrics),
    Check("nobody reads tickets without signing in", _status(401, "GET", "v1/tickets")),
    Check(
        "nobody switches anything without signing in",
        _status(401, "PUT", "v1/settings/kill-switch"),
    ),
    Check(
        "an alert without a credential is refused",
        _status(401, "POST", "v1/tickets/webhook/azure-monitor"),
    ),
    Check("plain http is not answered with data", _plain_http),
    Check("the worker has taken every function", _functions),
    Check("the containers are there", _containers),
    Check(
        "storage takes no keys",
        _each("Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess", False),
    ),
    Check(
        "the database takes no keys",
        _each("Microsoft.DocumentDB/databaseAccounts", "properties.disableLocalAuth", True),
    ),
    Check(
        "telemetry takes no keys",
        _each("Microsoft.Insights/components", "properties.DisableLocalAuth", True),
    ),
    Check(
        "the vault goes by roles",
        _each("Microsoft.KeyVault/vaults", "properties.enableRbacAuthorization", True),
    ),
    Check("somebody is told when Mend is not well", _health_alerts),
)


def verify(at: Surroundings) -> Iterator[tuple[Check, bool | None, str]]:
    """Look at each promise: whether it holds (``None``: could not be looked at), and why not."""
    for check in CHECKS:
        try:
            wrong = check.look(at)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            yield check, None, f"{type(error).__name__}: {error}"
        else:
            yield check, not wrong, wrong


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: where it leads to is not what was asked."""


def fetch(method: str, url: str) -> tuple[int, str]:
    """Ask by HTTP, without following redirects."""
    request = urllib.request.Request(url, method=method, data=b"{}" if method != "GET" else None)  # noqa: S310
    request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def az(arguments: list[str]) -> Any:
    """Ask Azure by its command line."""
    done = subprocess.run(
        ["az", *arguments, "-o", "json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[:300])
    return json.loads(done.stdout)


def main(arguments: list[str] | None = None, *, fetching: Fetch = fetch, asking: Az = az) -> int:
    """Print a line per promise."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--app", required=True, help="https://NAME.azurewebsites.net")
    parser.add_argument("--group", required=True, help="the resource group")
    parser.add_argument("--canary-minutes", type=float, default=0, help="wait for a canary so long")
    parser.add_argument("--dry-run", action="store_true", help="ask nothing")
    chosen = parser.parse_args(arguments)
    if chosen.dry_run:
        for check in CHECKS:
            print(f"would look: {check.promise}")
        return 0
    at = Surroundings(chosen.app.rstrip("/"), chosen.group, fetching, asking)
    seen = []
    for check, holds, why in verify(at):
        word = {True: "holds", False: "BROKEN", None: "unknown"}[holds]
        print(f"{word:8} {check.promise}" + (f"\n         {why}" if why else ""), flush=True)
        seen.append(holds)
    if chosen.canary_minutes:
        came = _canary(at, chosen.canary_minutes)
        print(f"{'holds' if came else 'BROKEN':8} a canary comes through")
        seen.append(came)
    return 1 if False in seen else 2 if None in seen else 0


def _canary(at: Surroundings, minutes: float) -> bool:
    until = time.monotonic() + minutes * 60
    while True:
        _, body = at.fetch("GET", f"{at.app}/api/metrics")
        if "\nmend_canary_seconds " in body:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(10)


if __name__ == "__main__":
    sys.exit(main())
