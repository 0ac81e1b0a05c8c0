"""Each fault as the real SDK sees it without retries, and as a bare socket sees it."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceResponseError,
)

from simulators.adf.app import create
from simulators.client import AdfSimulator, SimulatorError
from simulators.kit.clock import SystemClock
from simulators.kit.faults import FAULTS, Fault
from simulators.kit.serving import Surroundings
from tests.simulators.sdk import Factory
from tests.support.simulators import FACTORY, GROUP, SUBSCRIPTION, wait_until

CREATE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.DataFactory"
    f"/factories/{FACTORY}/pipelines/load_orders/createRun?api-version=2018-06-01"
)
# fault: what the SDK raises, the status it saw, how many runs there are afterwards
SEEN_BY_SDK: dict[Fault, tuple[type[Exception], int | None, int]] = {
    Fault.REFUSE_503: (HttpResponseError, 503, 0),
    Fault.THROTTLE_429: (HttpResponseError, 429, 0),
    Fault.ERROR_500_BEFORE: (HttpResponseError, 500, 0),
    Fault.HTML_502_BEFORE: (HttpResponseError, 502, 0),
    Fault.UNAUTHORIZED_401: (ClientAuthenticationError, 401, 0),
    Fault.FORBIDDEN_403: (HttpResponseError, 403, 0),
    Fault.NOT_FOUND_404: (ResourceNotFoundError, 404, 0),
    Fault.CONFLICT_409_RETRY_AFTER: (ResourceExistsError, 409, 0),
    Fault.RESET_BEFORE: (ServiceResponseError, None, 0),
    Fault.LOSE_ANSWER_503: (HttpResponseError, 503, 1),
    Fault.LOSE_ANSWER_504: (HttpResponseError, 504, 1),
    Fault.RESET_AFTER: (ServiceResponseError, None, 1),
    Fault.HTML_200: (json.JSONDecodeError, None, 1),
    Fault.HTML_502: (HttpResponseError, 502, 1),
    Fault.TRUNCATED_JSON: (IncompleteReadError, None, 1),
}
# These raise nothing.
ANSWERED = {Fault.SLOW_BEFORE, Fault.HOLD, Fault.WRONG_SCHEMA}


@pytest.fixture
def pipeline(adf: AdfSimulator) -> str:
    """A pipeline whose runs go on for a while."""
    adf.script("load_orders", [{"seconds": 60}])
    return "load_orders"


def raw(adf: AdfSimulator, path: str = CREATE) -> socket.socket:
    """Send a createRun over a bare socket and return the socket."""
    address = urlsplit(adf.url)
    peer = socket.create_connection((address.hostname, address.port or 0), timeout=10)
    peer.sendall(f"POST {path} HTTP/1.1\r\nHost: sim\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    return peer


def everything(peer: socket.socket) -> bytes:
    """Read until the other side closes."""
    with peer:
        return b"".join(iter(lambda: peer.recv(65_536), b""))


def test_each_fault_is_covered_here() -> None:
    """A new fault needs a line in the table above."""
    assert SEEN_BY_SDK.keys() | ANSWERED == set(Fault) == FAULTS.keys()


@pytest.mark.parametrize("fault", SEEN_BY_SDK)
def test_a_fault_as_the_sdk_sees_it(
    adf: AdfSimulator, factory: Factory, pipeline: str, fault: Fault
) -> None:
    """The error, whether the run exists, what the ledger keeps, and health afterwards."""
    error, status, started = SEEN_BY_SDK[fault]
    adf.fault("createRun", fault)

    with pytest.raises(error) as caught:
        factory.start(pipeline)

    assert getattr(caught.value, "status_code", None) == status
    assert len(adf.runs()) == started
    entry = adf.ledger("createRun")[0]
    assert entry.fault == fault
    assert (entry.effect is not None) == bool(started) == FAULTS[fault].happens
    assert entry.effect in {None, *(run.run_id for run in adf.runs())}
    if status is not None:
        assert entry.status == status
    assert factory.start(pipeline) in {run.run_id for run in adf.runs()}


def test_a_wrong_schema_raises_nothing(adf: AdfSimulator, pipeline: str) -> None:
    """The SDK gives an answer without a run id; the run exists."""
    adf.fault("createRun", "wrong_schema")

    with Factory(adf.url) as factory:
        answer = factory.sdk.pipelines.create_run(GROUP, FACTORY, pipeline)

    assert answer.run_id is None
    assert len(adf.effects("createRun")) == 1


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
@pytest.mark.usefixtures("pipeline")
def test_a_reset_is_a_tcp_reset(adf: AdfSimulator, fault: str) -> None:
    """Not one byte is answered, and the peer is told to forget the connection."""
    adf.fault("createRun", fault)

    with pytest.raises(ConnectionResetError):
        everything(raw(adf))

    assert adf.ledger("createRun")[0].status is None


@pytest.mark.usefixtures("pipeline")
def test_a_truncated_answer_promises_more_than_it_sends(adf: AdfSimulator) -> None:
    """Half of the JSON under the Content-Length of the whole, then an orderly end."""
    adf.fault("createRun", "truncated_json")

    head, _, body = everything(raw(adf)).partition(b"\r\n\r\n")

    promised = int(head.lower().split(b"content-length:")[1].split()[0])
    assert head.startswith(b"HTTP/1.1 200")
    assert 0 < len(body) < promised
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body)


@pytest.mark.parametrize(
    ("fault", "asked", "header"),
    [
        pytest.param("throttle_429", None, "1", id="throttled, by default"),
        pytest.param("throttle_429", 30, "30", id="throttled, as ordered"),
        pytest.param("conflict_409_retry_after", 2, "2", id="conflict"),
        pytest.param("refuse_503", None, None, id="refused, by default none"),
        pytest.param("lose_answer_503", 5, "5", id="lost, as ordered"),
    ],
)
@pytest.mark.usefixtures("pipeline")
def test_retry_after_is_sent_as_ordered(
    adf: AdfSimulator, fault: str, asked: float | None, header: str | None
) -> None:
    """Seconds, where the fault has them or the order asks for them."""
    adf.fault("createRun", fault, retry_after=asked)

    assert httpx.post(adf.url + CREATE).headers.get("Retry-After") == header


@pytest.mark.usefixtures("pipeline")
def test_a_held_call_has_happened_before_its_answer(adf: AdfSimulator) -> None:
    """A caller that dies while it waits leaves a run behind."""
    adf.fault("createRun", "hold", seconds=60)

    peer = raw(adf)
    wait_until(lambda: adf.effects("createRun") != [])
    waiting = adf.in_flight()
    peer.close()

    assert waiting == 1
    assert adf.effects("createRun") == [run.run_id for run in adf.runs()]


def test_a_held_answer_comes_in_the_end(adf: AdfSimulator, factory: Factory, pipeline: str) -> None:
    """Holding delays the true answer by the ordered seconds."""
    adf.fault("createRun", "hold", seconds=0.2)
    began = time.monotonic()

    run_id = factory.start(pipeline)

    assert time.monotonic() - began >= 0.2
    assert adf.effects("createRun") == [run_id]


def test_a_slow_call_has_not_happened_yet(
    adf: AdfSimulator, factory: Factory, pipeline: str
) -> None:
    """Until the delay is over there is no run and no entry."""
    adf.fault("createRun", "slow_before", seconds=0.5)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(factory.start, pipeline)
        wait_until(lambda: adf.in_flight() == 1)
        before = (adf.runs(), adf.ledger("createRun"))
        run_id = asked.result()

    assert before == ([], [])
    assert adf.effects("createRun") == [run_id]


@pytest.mark.parametrize("fault", ["hold", "slow_before"])
@pytest.mark.usefixtures("pipeline")
def test_a_reset_of_the_world_wakes_waiting_calls(adf: AdfSimulator, fault: str) -> None:
    """No call of an earlier test reaches into a later one."""
    adf.fault("createRun", fault, seconds=300)
    peer = raw(adf)
    wait_until(lambda: adf.in_flight() == 1)

    adf.reset()

    with pytest.raises(ConnectionResetError):
        everything(peer)
    wait_until(lambda: adf.in_flight() == 0)
    assert (adf.runs(), adf.ledger()) == ([], [])


def test_faults_strike_as_often_as_ordered_and_in_order(
    adf: AdfSimulator, factory: Factory, pipeline: str
) -> None:
    """First come, first served; then the service is healthy."""
    adf.fault("createRun", "refuse_503", times=2)
    adf.fault("createRun", "throttle_429")
    seen = []

    for _ in range(4):
        try:
            factory.start(pipeline)
        except HttpResponseError as error:
            seen.append(error.status_code)

    assert seen == [503, 503, 429]
    assert len(adf.runs()) == 1


def test_a_fault_waits_until_its_turn(adf: AdfSimulator, factory: Factory) -> None:
    """With ``after`` some calls pass unharmed first."""
    run = adf.seed_run("load_orders")
    adf.fault("getPipelineRun", "refuse_503", after=2)

    factory.run(run.run_id)
    factory.run(run.run_id)
    with pytest.raises(HttpResponseError):
        factory.run(run.run_id)
    assert factory.run(run.run_id).status == "Succeeded"


@pytest.mark.parametrize(
    ("action", "match", "strikes"),
    [
        pytest.param("createRun", None, True, id="the action"),
        pytest.param("*", None, True, id="any action"),
        pytest.param("getPipelineRun", None, False, id="another action"),
        pytest.param("createRun", "LOAD_orders", True, id="the pipeline, without case"),
        pytest.param("createRun", "load_*", True, id="a pattern"),
        pytest.param("createRun", "load", False, id="only part of the name"),
    ],
)
def test_a_fault_strikes_what_it_is_meant_for(
    adf: AdfSimulator,
    factory: Factory,
    pipeline: str,
    action: str,
    match: str | None,
    strikes: bool,
) -> None:
    """Action and target must both fit; otherwise the order stays open."""
    adf.fault(action, "refuse_503", match=match)

    if strikes:
        with pytest.raises(HttpResponseError):
            factory.start(pipeline)
    else:
        factory.start(pipeline)

    assert [entry.fault for entry in adf.ledger()] == ["refuse_503" if strikes else None]


def test_a_call_on_a_run_is_matched_by_run_or_by_pipeline(
    adf: AdfSimulator, factory: Factory
) -> None:
    """A run's id is not known beforehand; its pipeline is."""
    run = adf.seed_run("load_orders")
    other = adf.seed_run("load_stock")
    adf.fault("getPipelineRun", "refuse_503", match="load_orders")
    adf.fault("getPipelineRun", "error_500_before", match=other.run_id)
    seen = []

    for run_id in (other.run_id, run.run_id, other.run_id, run.run_id):
        try:
            factory.run(run_id)
        except HttpResponseError as error:
            seen.append(error.status_code)

    assert seen == [500, 503]


def test_a_lost_answer_to_a_refused_call_had_no_effect(adf: AdfSimulator, factory: Factory) -> None:
    """What the service would have refused is not made to happen by a fault."""
    adf.fault("createRun", "lose_answer_504")

    with pytest.raises(HttpResponseError) as caught:
        factory.start("nobody")

    assert caught.value.status_code == 504
    assert [entry.effect for entry in adf.ledger()] == [None]


def test_clearing_faults_heals(adf: AdfSimulator, factory: Factory, pipeline: str) -> None:
    """Open orders can be dropped."""
    adf.fault("*", "refuse_503", times=99)

    adf.clear_faults()

    assert factory.start(pipeline)


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        pytest.param(("createRuns", "hold"), "createRun", id="unknown action"),
        pytest.param(("createRun", "explode"), "fault", id="unknown fault"),
        pytest.param(("createRun", "hold", 0), "times", id="no times"),
    ],
)
def test_a_misspelt_order_is_refused(
    adf: AdfSimulator, order: tuple[str, str], complaint: str
) -> None:
    """A fault that can never strike is an error at once."""
    with pytest.raises(SimulatorError, match=complaint):
        adf.fault(*order)


async def test_in_process_a_reset_is_an_exception() -> None:
    """Without a connection of its own the app can still be called in the same process."""
    app = create(Surroundings(SystemClock())).app
    transport = httpx.ASGITransport(app=app)

    async with httpx.AsyncClient(transport=transport, base_url="http://adf") as client:
        await client.post("/_sim/adf/pipelines", json={"name": "load_orders"})
        started = await client.post(CREATE)
        order = {"action": "createRun", "fault": "reset_after"}
        await client.post("/_sim/faults", json=order)
        with pytest.raises(ConnectionResetError):
            await client.post(CREATE)
        ledger = (await client.get("/_sim/ledger")).json()["entries"]

    assert started.json()["runId"] == ledger[0]["effect"]
    assert ledger[1]["effect"] is not None
