"""What makes two alerts one ticket."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.alert import Alert, Condition, Platform, Resource, Severity, TimeWindow
from shared.intake.fingerprint import fingerprint
from tests.unit.intake.bodies import ADF, LOG, METRIC, QUICK, RECEIVED, SALES, changed, the_alert

names = st.text(min_size=1, max_size=20)
WINDOW = TimeWindow(start=RECEIVED, end=RECEIVED)


def _alert(resource: Resource, *, service: str | None = None) -> Alert:
    return Alert(source="adf", resource=resource, title="t", occurred_at=RECEIVED, service=service)


def _adf(name: str, scope: str = SALES, kind: str = "pipeline") -> Alert:
    return _alert(Resource(platform=Platform.ADF, scope=scope, kind=kind, name=name))


def _other(name: str, service: str | None) -> Alert:
    return _alert(
        Resource(platform=Platform.OTHER, scope="x", kind="y", name=name), service=service
    )


def _canonical(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip().casefold())


def test_it_does_not_change_from_release_to_release() -> None:
    """Open tickets are found by it: another value would open a second one."""
    assert fingerprint(_adf("load_customer_data")) == "f61a0d87ff968fa0725ae1f99fbf2e5d"


@given(
    run_id=st.none() | st.text(),
    title=st.text(),
    text=st.text(),
    at=st.datetimes(timezones=st.timezones()),
    severity=st.sampled_from(Severity),
)
@QUICK
def test_run_time_and_words_do_not_matter(
    run_id: str | None, title: str, text: str, at: object, severity: Severity
) -> None:
    """The next run of a broken pipeline belongs to the ticket that is open for it."""
    alert = _adf("load")
    other = alert.model_copy(
        update={
            "source": text,
            "condition": Condition.RESOLVED,
            "resource": alert.resource.model_copy(update={"run_id": run_id}),
            "title": title,
            "description": text,
            "severity": severity,
            "environment": text,
            "service": text,
            "ci": (text,),
            "occurred_at": at,
            "window": WINDOW,
            "error_code": text,
            "error_activity": text,
            "sender_alert_id": text,
            "notes": (text,),
        }
    )

    assert fingerprint(other) == fingerprint(alert)


@given(names, st.sampled_from(["", " ", "\t\n"]))
@QUICK
def test_case_and_padding_do_not_matter(name: str, padding: str) -> None:
    """Azure compares names without regard to case, and so do we."""
    assume(name.upper().casefold() == name.casefold())

    assert fingerprint(_adf(padding + name.upper() + padding)) == fingerprint(_adf(name))
    assert fingerprint(_adf("x", scope=name.upper())) == fingerprint(_adf("x", scope=name))


def test_composed_and_decomposed_letters_are_the_same() -> None:
    """A name typed on another machine may be stored in another normal form."""
    name = "Lädt Kunden"

    assert fingerprint(_adf(unicodedata.normalize("NFD", name))) == fingerprint(_adf(name))


@given(names, names)
@QUICK
def test_another_name_or_scope_is_another_thing(one: str, two: str) -> None:
    """Two pipelines, or one name in two factories, are two tickets."""
    assume(_canonical(one) != _canonical(two))

    assert fingerprint(_adf(one)) != fingerprint(_adf(two))
    assert fingerprint(_adf("x", scope=one)) != fingerprint(_adf("x", scope=two))
    assert fingerprint(_other(one, None)) != fingerprint(_other(two, None))
    assert fingerprint(_other("x", one)) != fingerprint(_other("x", two))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(_adf("bc", scope="a"), _adf("c", scope="ab"), id="parts are kept apart"),
        pytest.param(_adf('b","c', scope="a"), _adf("c", scope='a","b'), id="even with quotes"),
        pytest.param(_adf("x"), _adf("x", kind="trigger"), id="a pipeline and a trigger"),
        pytest.param(_adf("x"), _other("x", SALES), id="two platforms"),
        pytest.param(_other("a", "b"), _other("b", "a"), id="service and name"),
        pytest.param(
            _adf("x"),
            _alert(Resource(platform=Platform.DATABRICKS, scope=SALES, kind="pipeline", name="x")),
            id="the same name elsewhere",
        ),
    ],
)
def test_different_things(one: Alert, two: Alert) -> None:
    """Nothing else can be mistaken for it."""
    assert fingerprint(one) != fingerprint(two)


def test_other_platforms_have_no_scope() -> None:
    """There, service and alert name are all that is known."""
    here = _other("disk full", "Billing")
    there = here.model_copy(
        update={"resource": here.resource.model_copy(update={"scope": "z", "kind": "z"})}
    )

    assert fingerprint(here) == fingerprint(there)


def test_without_a_service_the_first_item_tells_hosts_apart() -> None:
    """A full disk on another host is another thing; a service spans its hosts."""
    alert = _other("disk full", None)
    one, two, more = (
        alert.model_copy(update={"ci": ci}) for ci in (("db-1",), ("db-2",), ("DB-1", "x"))
    )

    assert fingerprint(one) != fingerprint(two)
    assert fingerprint(one) == fingerprint(more)
    assert fingerprint(one) != fingerprint(alert)
    assert fingerprint(one.model_copy(update={"service": "s"})) == fingerprint(
        two.model_copy(update={"service": "S"})
    )


def test_all_senders_mean_the_same_pipeline() -> None:
    """Web activity, metric alert and log alert about one pipeline are one ticket."""
    web = the_alert("adf", {**ADF, "pipelineName": "PL_daily_load"})
    activity = changed(
        METRIC,
        "data.alertContext.condition.allOf.0",
        {
            "metricName": "ActivityFailedRuns",
            "dimensions": [
                {"name": "PipelineName", "value": "pl_daily_load"},
                {"name": "Name", "value": "Copy orders"},
            ],
        },
    )

    prints = {
        fingerprint(alert)
        for alert in (
            web,
            the_alert("azure-monitor", METRIC),
            the_alert("azure-monitor", LOG),
            the_alert("azure-monitor", activity),
        )
    }

    assert len(prints) == 1
    assert all(len(value) == 32 and int(value, 16) >= 0 for value in prints)
