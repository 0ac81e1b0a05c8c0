"""One door for all senders: whatever comes in, alerts or a clear refusal come out."""

import copy
import json
import pkgutil
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Platform
from shared.domain.errors import InvalidInput, NotFound
from shared.intake import sources
from shared.intake.registry import SOURCES, Normalised, normalise
from shared.intake.text import has_invisible
from tests.unit.intake.bodies import (
    ADF,
    DEFAULTS,
    QUICK,
    REALISTIC,
    RECEIVED,
    WITH_WORKSPACE,
    send,
    values,
)


@pytest.mark.parametrize("source", ["", "ADF", "adf ", "grafana", "../adf", "a\nb"])
def test_unknown_source(source: str) -> None:
    """404, with the names that would have worked."""
    with pytest.raises(NotFound, match="known are adf, alertmanager, azure-monitor") as caught:
        normalise(source, b"{}", DEFAULTS, RECEIVED)

    assert not has_invisible(str(caught.value))


def test_every_module_is_registered() -> None:
    """A sender's file that nobody calls would be a sender whose alerts are refused."""
    modules = {name.replace("_", "-") for _, name, _ in pkgutil.iter_modules(sources.__path__)}

    assert modules == set(SOURCES)


def test_every_source_is_tested_with_a_real_body() -> None:
    """The tests below are only as good as what they damage."""
    assert {source for source, _ in REALISTIC} == set(SOURCES)


def test_a_naive_clock_is_our_own_mistake() -> None:
    """It must not become a sender's 400."""
    with pytest.raises(ValueError, match="aware"):
        normalise("adf", b"{}", DEFAULTS, datetime(2026, 11, 20))  # noqa: DTZ001


def test_times_are_utc_whatever_the_clock() -> None:
    """A server in another zone stores the same moment."""
    here = RECEIVED.astimezone(timezone(timedelta(hours=2)))

    [alert] = normalise("adf", json.dumps(ADF).encode(), DEFAULTS, here).alerts

    assert alert.occurred_at == RECEIVED
    assert alert.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(("source", "body"), REALISTIC)
def test_the_result_survives_storage(source: str, body: object) -> None:
    """Alerts go through JSON unchanged."""
    result = send(source, body, WITH_WORKSPACE)

    assert type(result).model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize("source", SOURCES)
@given(raw=st.binary(max_size=200))
@QUICK
def test_random_bytes(source: str, raw: bytes) -> None:
    """Noise is refused, never an accident."""
    _normalise_or_refuse(source, raw)


@pytest.mark.parametrize("source", SOURCES)
@given(value=values)
@QUICK
def test_random_json(source: str, value: object) -> None:
    """Any JSON is refused or understood."""
    _normalise_or_refuse(source, json.dumps(value).encode())


@pytest.mark.parametrize(("source", "body"), REALISTIC)
@given(data=st.data(), value=values)
@QUICK
def test_a_real_body_with_strange_values(
    source: str, body: object, data: st.DataObject, value: object
) -> None:
    """Any value in any place of a real body: this is what reaches the readers."""
    changed = copy.deepcopy(body)
    holder: object = changed
    while isinstance(holder, dict | list):
        steps = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not steps:
            break
        step = data.draw(st.sampled_from(steps))
        if not isinstance(holder[step], dict | list) or data.draw(st.integers(0, 4)) == 0:
            holder[step] = value
            break
        holder = holder[step]

    _normalise_or_refuse(source, json.dumps(changed).encode())


@pytest.mark.parametrize(("source", "body"), REALISTIC)
@given(data=st.data())
@QUICK
def test_a_real_body_with_damaged_bytes(source: str, body: object, data: st.DataObject) -> None:
    """Bits that were lost, doubled or turned on the way."""
    raw = bytearray(json.dumps(body).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        until = data.draw(st.integers(at, min(at + 3, len(raw))))
        raw[at:until] = data.draw(st.binary(max_size=2) | st.sampled_from([b'"', b"{", b"\\u0000"]))

    _normalise_or_refuse(source, bytes(raw))


def _normalise_or_refuse(source: str, raw: bytes) -> None:
    try:
        result = normalise(source, raw, WITH_WORKSPACE, RECEIVED)
    except InvalidInput as error:
        refusal = error
    else:
        _check_alerts(result)
        return
    assert str(refusal)
    assert not has_invisible(refusal.field)


def _check_alerts(result: Normalised) -> None:
    assert result.alerts
    for alert in result.alerts:
        assert alert.resource.name
        assert not has_invisible(alert.title + alert.resource.name + alert.resource.scope)
        assert alert.resource.run_id or alert.window or alert.resource.platform is Platform.OTHER
        assert len(alert.title) <= 200
        assert len(alert.description) <= 8_000
        assert not has_invisible("".join(alert.ci) + alert.sender_alert_id)
        assert alert.occurred_at.utcoffset() == timedelta()
        assert alert.model_dump_json().encode()
