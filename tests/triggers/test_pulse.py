"""The timer that hands Mend's own numbers on."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from shared.stores.memory import MemoryStore
from shared.usecases.take_pulse import METRICS
from tests.support.builders import StoppedClock
from triggers import pulse

TIMER: Any = None


@dataclass
class Services:
    """What the timer needs."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StoppedClock = field(default_factory=StoppedClock)


@dataclass
class Settings:
    """What it looks at."""

    applicationinsights_connection_string: SecretStr | None
    mend_canary_minutes: float = 0


@dataclass
class Gauge:
    """Remembers what it was set to."""

    values: list[tuple[float, dict[str, str]]] = field(default_factory=list)

    def set(self, value: float, attributes: dict[str, str]) -> None:
        """Take one."""
        self.values.append((value, attributes))


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> dict[str, Gauge]:
    """Return every gauge by its name."""
    found: dict[str, Gauge] = {}
    monkeypatch.setattr(pulse, "services", Services)
    monkeypatch.setattr(pulse, "_gauge", lambda name: found.setdefault(name, Gauge()))
    return found


async def beat(monkeypatch: pytest.MonkeyPatch, connection: SecretStr | None) -> None:
    """Let the timer fire."""
    monkeypatch.setattr(pulse, "settings", lambda: Settings(connection))
    await pulse.hand_on_pulse.build().get_user_function()(TIMER)


async def test_every_number_goes_there(
    gauges: dict[str, Gauge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its labels; all of them are known metrics."""
    await beat(monkeypatch, SecretStr("InstrumentationKey=x"))

    assert gauges["mend_up"].values == [(1, {})]
    assert (0, {"status": "open"}) in gauges["mend_tickets"].values
    assert set(gauges) <= set(METRICS)


async def test_nothing_is_read_for_nobody(
    gauges: dict[str, Gauge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Application Insights."""
    await beat(monkeypatch, None)
    assert gauges == {}


def test_a_gauge_is_made_once() -> None:
    """A second one of a name would be a second stream of the same numbers."""
    assert pulse._gauge("mend_up") is pulse._gauge("mend_up")
