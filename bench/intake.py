"""Intake under load: signed alerts at a steady rate, storms of the same, and many tickets.

The real app in a host of its own; Data Factory simulated in another process, whose pipelines
are known to nobody, so that every ticket goes the whole way to its end meanwhile.
"""

import asyncio
import base64
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path

import httpx

from bench.figure import Figure, percentile
from bench.host_process import HostProcess
from bench.http_load import Request, send, send_at_rate
from bench.setting import ROOT, Setting
from demo.stories import FACTORY, settings_for
from shared.domain.alert import Platform, Resource, Severity
from shared.domain.ticket import Change, Sla, Ticket
from shared.stores.sqlite import SqliteStore
from simulators.client import AdfSimulator

_SECRET = b"bench-secret-of-32-characters-ok"
_WEBHOOK = "/api/v1/tickets/webhook/adf"
_RATE, _LATENCY_MS = 100, 300
_CONNECTIONS = 50
_READS = 60


def run(setting: Setting) -> Iterator[Figure]:
    """Measure the steady rate, the knee, both storms, and reading among 15,000 tickets."""
    with AdfSimulator.start(token="simulated") as factory:
        secrets = json.dumps({"adf": {"type": "hmac", "secret": _SECRET.decode()}})
        settings = {**settings_for(factory.url), "MEND_WEBHOOK_SECRETS": secrets}
        with HostProcess(ROOT, setting.make_folder("steady") / "data", settings) as host:
            yield from _steady(host.url, setting)
        with HostProcess(ROOT, setting.make_folder("knee") / "data", settings) as host:
            yield from _knee(host.url, setting)
        with HostProcess(ROOT, setting.make_folder("storms") / "data", settings) as host:
            yield from _storms(host.url, setting)
        folder = setting.make_folder("many") / "data"
        tickets = setting.either(2_000, 15_000)
        asyncio.run(_fill(folder / "mend.db", tickets))
        with HostProcess(ROOT, folder, settings) as host:
            yield from _reads(host.url, tickets)


def _steady(url: str, setting: Setting) -> Iterator[Figure]:
    seconds = setting.either(10, 60)
    alerts = [_alert(f"steady-{number}") for number in range(_RATE * seconds)]
    load = send_at_rate(url, alerts, _RATE, _CONNECTIONS)
    lost = len(alerts) - _tickets(url)
    facts = {
        "alerts": len(alerts),
        "lost": lost,
        "not_202": sum(count for status, count in load.statuses.items() if status != 202),
        "goal_ms": _LATENCY_MS,
    }
    about = f"distinct signed alerts, {_RATE}/s for {seconds} s; time from due to the 202"
    for percent in (50, 99):
        value = load.percentile_ms(percent)
        yield Figure(f"intake.steady.p{percent}", "ms", [value], about, facts=facts)
    setting.say(f"steady: p99 {load.percentile_ms(99):.0f} ms, {facts}")


def _knee(url: str, setting: Setting) -> Iterator[Figure]:
    """Raise the rate until the 99th percentile is no longer within bounds."""
    best = 0.0
    for rate in (100, 150, 200, 250, 300, 400, 500, 700):
        seconds = setting.either(3, 10)
        alerts = [_alert(f"knee-{rate}-{number}") for number in range(rate * seconds)]
        load = send_at_rate(url, alerts, rate, _CONNECTIONS)
        slow = load.percentile_ms(99)
        setting.say(f"knee: {rate}/s p99 {slow:.0f} ms {dict(load.statuses)}")
        if slow > _LATENCY_MS or set(load.statuses) != {202}:
            break
        best = rate
    about = f"highest rate tried with every answer 202 and p99 ≤ {_LATENCY_MS} ms"
    yield Figure("intake.knee", "1/s", [best], about)


def _storms(url: str, setting: Setting) -> Iterator[Figure]:
    count = setting.either(1_000, 10_000)
    # Signed at different times, so that none is a replay of another.
    same = [_alert("storm", run="3d1f0000", at=-number % 250) for number in range(count)]
    load = send(url, same, _CONNECTIONS).expect(202)
    duplicates = _ticket_of(url, "storm")["duplicate_count"]
    about = "the same alert on 50 connections; one ticket counts them all"
    facts = {"alerts": count, "counted": duplicates + 1}
    yield Figure("intake.same", "1/s", [load.per_second], about, facts=facts)
    setting.say(f"same: {load.per_second:.0f}/s, {facts}")

    count = setting.either(500, 5_000)
    names = islice(cycle(f"many-{number}" for number in range(40)), count)
    many = [_alert(name, run=f"run-of-{name}", at=-(n // 40) % 250) for n, name in enumerate(names)]
    before = _tickets(url)
    load = send(url, many, _CONNECTIONS).expect(202)
    opened = _tickets(url) - before
    facts = {"alerts": count, "fingerprints": 40, "tickets": opened}
    about = "alerts over 40 fingerprints on 50 connections"
    yield Figure("intake.fingerprints", "1/s", [load.per_second], about, facts=facts)
    setting.say(f"fingerprints: {load.per_second:.0f}/s, {facts}")


def _reads(url: str, tickets: int) -> Iterator[Figure]:
    client = httpx.Client(base_url=f"{url}/api/v1/tickets", timeout=60, trust_env=False)
    newest = client.get("", params={"limit": 200}).json()["items"]
    ids = [ticket["id"] for ticket in newest]
    calls: dict[str, Callable[[int], httpx.Response]] = {
        "list": lambda _: client.get("", params={"limit": 50}),
        "filter": lambda _: client.get("", params={"severity": "critical", "status": "open"}),
        "search": lambda n: client.get("", params={"q": f"pipeline {n % 100}"}),
        "facets": lambda _: client.get("/facets", params={"q": "load"}),
        "patch": lambda n: _patch(client, ids[n]),
    }
    for name, call in calls.items():
        taken = []
        for number in range(_READS):
            begun = time.perf_counter()
            call(number).raise_for_status()
            taken.append(time.perf_counter() - begun)
        about = f"among {tickets} open tickets; the goal is 300 ms"
        value = 1000 * percentile(taken, 95)
        yield Figure(f"intake.{name}.p95", "ms", [value], about, facts={"tickets": tickets})


def _patch(client: httpx.Client, ticket_id: str) -> httpx.Response:
    ticket = client.get(f"/{ticket_id}")
    headers = {"If-Match": ticket.headers["etag"]}
    return client.patch(f"/{ticket_id}", json={"assignee": "ana"}, headers=headers)


async def _fill(path: Path, count: int) -> None:
    store, now = SqliteStore(path), datetime.now(UTC)
    severities = list(Severity)
    for start in range(0, count, 500):
        openings = (
            _opening(number, now - timedelta(seconds=number), severities[number % 5])
            for number in range(start, min(start + 500, count))
        )
        await asyncio.gather(*(store.create(one) for one in openings))
    await store.close()


def _opening(number: int, at: datetime, severity: Severity) -> Change:
    resource = Resource(
        platform=Platform.ADF, scope=f"/factories/{number % 7}", kind="pipeline",
        name=f"load_{number}", run_id=f"run-{number}",
    )  # fmt: skip
    ticket = Ticket(
        id=f"TIK-20261120-{number:06X}", severity=severity, source="adf", platform=Platform.ADF,
        title=f"Pipeline load_{number % 100} failed", description="It timed out. " * 40,
        resource=resource, fingerprint=f"{number:032x}", sla=Sla(target_minutes=60),
        created_at=at, updated_at=datetime.now(UTC),
    )  # fmt: skip
    opened = ticket.changed(at, "ticket.opened", "opened")
    fresh = opened.ticket.model_copy(update={"version": 1, "updated_at": datetime.now(UTC)})
    return Change(fresh, opened.events)


def _alert(name: str, *, run: str = "", at: int = 0) -> Request:
    body = json.dumps(
        {"dataFactoryName": FACTORY, "pipelineName": name, "runId": run or f"run-{name}"}
    ).encode()
    stamp = str(int(time.time()) + at)
    identity = f"msg_{name}_{at}_{time.perf_counter_ns()}"
    digest = hmac.digest(_SECRET, f"{identity}.{stamp}.".encode() + body, sha256)
    headers = (
        ("webhook-id", identity),
        ("webhook-timestamp", stamp),
        ("webhook-signature", f"v1,{base64.b64encode(digest).decode()}"),
    )
    return Request("POST", _WEBHOOK, body, headers)


def _tickets(url: str) -> int:
    answer = httpx.get(f"{url}/api/v1/tickets/facets", timeout=60, trust_env=False)
    return int(answer.json()["total"])


def _ticket_of(url: str, name: str) -> dict[str, int]:
    answer = httpx.get(f"{url}/api/v1/tickets", params={"q": name}, timeout=60, trust_env=False)
    found = [one for one in answer.json()["items"] if one["resource"]["name"] == name]
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} tickets for {name}, {Counter(map(str, found))}")
    return dict(found[0])
