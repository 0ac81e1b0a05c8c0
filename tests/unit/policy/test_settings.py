"""What operators may write down, and what it means."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.alert import Severity
from shared.domain.analysis import Action, Risk
from shared.policy.settings import Freeze, PolicySettings, Window
from tests.support.builders import NOW

HOUR = timedelta(hours=1)
ORDER = list(Risk)


def a_freeze(**fields: object) -> Freeze:
    """Return a freeze of one hour from now on."""
    return Freeze.model_validate({"name": "f", "start": NOW, "end": NOW + HOUR, **fields})


@pytest.mark.parametrize(
    ("fields", "minutes", "environment", "target", "holds"),
    [
        ({}, 0, "prod", "load", True),
        ({}, -1, "prod", "load", False),
        ({}, 60, "prod", "load", False),
        ({"environments": ["PROD"]}, 0, "prod", "load", True),
        ({"environments": ["prod"]}, 0, "dev", "load", False),
        ({"environments": ["prod"]}, 0, None, "load", True),
        ({"targets": ["Load"]}, 0, "dev", "load", True),
        ({"targets": ["other"]}, 0, "dev", "load", False),
        ({"environments": ["prod"], "targets": ["load"]}, 0, "dev", "load", False),
    ],
)
def test_when_a_freeze_holds(
    fields: dict[str, object], minutes: int, environment: str | None, target: str, *, holds: bool
) -> None:
    """Half-open in time; any case; an environment that nobody knows may be any."""
    found = a_freeze(**fields).holds(NOW + timedelta(minutes=minutes), environment, target)
    assert found is holds


@pytest.mark.parametrize(
    "fields",
    [
        {"end": NOW},
        {"end": NOW - HOUR},
        {"start": NOW.replace(tzinfo=None)},
        {"name": ""},
        {"environment": ["prod"]},  # mistyped, it would hold everywhere
    ],
)
def test_a_window_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    """An end before its start would be a freeze that never holds."""
    with pytest.raises(ValidationError):
        a_freeze(**fields)


def test_the_maintenance_that_ends_last_counts() -> None:
    """Whoever waits waits for all of them."""
    short = Window(name="short", start=NOW, end=NOW + HOUR)
    policy = PolicySettings(
        maintenance=(short, short.model_copy(update={"name": "long", "end": NOW + 2 * HOUR}))
    )

    found = policy.maintenance_at(NOW, None, "load")

    assert found is not None
    assert found.name == "long"
    assert policy.maintenance_at(NOW + 2 * HOUR, None, "load") is None


def test_thresholds_and_allowed_actions() -> None:
    """What is not named is as it is without them; an empty list allows nothing."""
    policy = PolicySettings(
        confidence_by_severity={Severity.CRITICAL: 0.95},
        allowed_actions={"Load": (Action.RERUN_PIPELINE,), "never": ()},
    )

    assert policy.threshold_for(Severity.CRITICAL, 0.8) == 0.95
    assert policy.threshold_for(Severity.LOW, 0.8) == 0.8
    assert policy.threshold_for(None, 0.8) == 0.8
    assert policy.allows(Action.RERUN_PIPELINE, "LOAD")
    assert not policy.allows(Action.RERUN_FROM_FAILURE, "load")
    assert not policy.allows(Action.RERUN_PIPELINE, "never")
    assert policy.allows(Action.RERUN_JOB, "another")


@given(
    st.dictionaries(st.sampled_from(["prod", "dev"]), st.sampled_from(Risk)),
    st.sampled_from([None, "Prod", "dev", "test"]),
    st.sampled_from(Risk),
)
def test_an_environment_never_lowers_a_risk(
    known: dict[str, Risk], environment: str | None, risk: Risk
) -> None:
    """It raises it to what is written down, and unknown is as risky as the riskiest."""
    found = PolicySettings(environment_risk=known).risk_in(environment, risk)

    there = list(known.values()) if environment is None else []
    there += [one for name, one in known.items() if environment and name == environment.lower()]
    assert ORDER.index(found) == max(map(ORDER.index, [risk, *there]))


def test_defaults_change_nothing_and_everything_comes_back() -> None:
    """Settings stored by an older release are read as before; these survive their JSON."""
    assert PolicySettings.model_validate({"running": 5}).freezes == ()
    full = PolicySettings(
        freezes=(a_freeze(),),
        maintenance=(Window(name="m", start=NOW, end=NOW + HOUR),),
        confidence_by_severity={Severity.HIGH: 0.9},
        environment_risk={"prod": Risk.HIGH},
    )
    assert PolicySettings.model_validate_json(full.model_dump_json(), strict=True) == full
