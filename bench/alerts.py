"""Mend itself: alerts accepted per second, and how soon a storm of them is healed.

The real app in a host of its own, Data Factory simulated in another process. Accepted
means answered 202, after the ticket and its start are on disk. While distinct alerts
arrive, the remediations of those before them run in the same process.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator

import httpx

from bench.figure import Figure
from bench.host_process import HostProcess
from bench.http_load import Load, Request, send
from bench.setting import ROOT, Setting
from demo.stories import FACTORY, settings_for
from simulators.adf.scenarios import SCENARIOS
from simulators.client import AdfSimulator, PipelineRun

_CONNECTIONS = 8
_ACCEPTED = 202
_WEBHOOK = "/api/v1/tickets/webhook/adf"
_SCENARIO = SCENARIOS["sql_transient"]
_UNENDED = "open,analyzing,awaiting_approval,remediating,monitoring"
_HEAL_SECONDS = 180.0
_WARM_UP = 10


def run(setting: Setting) -> Iterator[Figure]:
    """Measure a storm of distinct alerts, then one alert again and again, some times over."""
    distinct, same = setting.either(40, 200), setting.either(200, 1_000)
    storms: list[Load] = []
    echoes: list[Load] = []
    healed: list[float] = []
    folder = setting.make_folder("mend")
    with (
        AdfSimulator.start(token="simulated") as factory,
        HostProcess(ROOT, folder / "data", settings_for(factory.url)) as host,
    ):
        _allow_everything(host.url)
        _storm(host.url, factory, "warm-up", _WARM_UP)
        _await_healed(host.url, factory, _WARM_UP)
        for repetition in range(setting.either(1, 3)):
            runs_before = len(factory.effects("createRun"))
            storm = _storm(host.url, factory, f"storm-{repetition}", distinct)
            tail_seconds = _await_healed(host.url, factory, runs_before + distinct)
            storms.append(storm)
            healed.append(distinct / (storm.seconds + tail_seconds))
            echoes.append(_echo(host.url, factory, f"echo-{repetition}", same))
            _await_healed(host.url, factory, runs_before + distinct + 1)
            setting.say(
                f"{repetition + 1}: {storm.per_second:.0f} distinct alerts per second, "
                f"{echoes[-1].per_second:.0f} of the same, {healed[-1]:.1f} healed"
            )
    yield from _figures("distinct", storms, "each opens a ticket and starts its remediation")
    yield from _figures("same", echoes, "the first opens a ticket, the others count on it")
    about = f"{distinct} tickets from alert to healed: 1 rerun each, looked at every 0.5 s"
    yield Figure("alerts.healed", "1/s", healed, about, facts={"tickets": distinct})


def _figures(name: str, loads: list[Load], about: str) -> Iterator[Figure]:
    facts = {"alerts": len(loads[0].latencies), "connections": _CONNECTIONS}
    rates = [load.per_second for load in loads]
    yield Figure(f"alerts.{name}", "1/s", rates, f"accepted; {about}", facts=facts)
    for percent in (50, 99):
        values = [load.percentile_ms(percent) for load in loads]
        yield Figure(f"alerts.{name}.p{percent}", "ms", values, "time to the 202", facts=facts)


def _allow_everything(url: str) -> None:
    """Lift the limits: hundreds of pipelines that fail at once are what they are there for."""
    limits = {
        "attempts_per_action_per_10_minutes": 100_000,
        "attempts_per_hour": 100_000,
        "running": 10_000,
        "min_failing_targets": 1_000_000,
    }
    answer = httpx.put(f"{url}/api/v1/settings/policy", json=limits, timeout=30, trust_env=False)
    answer.raise_for_status()


def _storm(url: str, factory: AdfSimulator, name: str, count: int) -> Load:
    """Let ``count`` pipelines fail, report each once, and check that each opened a ticket."""
    runs = [
        factory.seed_scenario(_SCENARIO, pipeline=f"{name}-{number}") for number in range(count)
    ]
    return _post(url, [_alert(run) for run in runs], {"opened": count})


def _echo(url: str, factory: AdfSimulator, pipeline: str, count: int) -> Load:
    """Report one failure ``count`` times."""
    run = factory.seed_scenario(_SCENARIO, pipeline=pipeline)
    return _post(url, [_alert(run)] * count, {"opened": 1, "duplicate": count - 1})


def _alert(run: PipelineRun) -> Request:
    body = {
        "dataFactoryName": FACTORY,
        "pipelineName": run.pipeline,
        "runId": run.run_id,
        "message": run.message,
    }
    return Request("POST", _WEBHOOK, json.dumps(body).encode())


def _post(url: str, requests: list[Request], expected: dict[str, int]) -> Load:
    load = send(url, requests, _CONNECTIONS, keep_bodies=True).expect(_ACCEPTED)
    found = Counter(json.loads(body)["tickets"][0]["disposition"] for body in load.bodies)
    if found != expected:
        raise RuntimeError(f"expected {expected}, got {dict(found)}")
    return load


def _await_healed(url: str, factory: AdfSimulator, reruns: int) -> float:
    """Return the seconds until every ticket has ended, each after exactly one rerun."""
    begun = time.perf_counter()
    query = {"status": _UNENDED, "limit": "1"}
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        while time.perf_counter() - begun < _HEAL_SECONDS:
            if not client.get("/api/v1/tickets", params=query).json()["items"]:
                started = len(factory.effects("createRun"))
                if started != reruns:
                    raise RuntimeError(f"{started} pipelines were started, not {reruns}")
                return time.perf_counter() - begun
            time.sleep(0.1)
    raise RuntimeError(f"not every ticket ended in {_HEAL_SECONDS:g} s")
