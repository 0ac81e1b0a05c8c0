"""Queries: window, filters, order and pages."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.datafactory.models import RunFilterParameters, RunQueryFilter, RunQueryOrderBy

from simulators.client import AdfSimulator
from tests.simulators.sdk import Factory, where
from tests.support.simulators import FACTORY, GROUP, SUBSCRIPTION

QUERY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.DataFactory"
    f"/factories/{FACTORY}/queryPipelineRuns?api-version=2018-06-01"
)
WINDOW = {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "lastUpdatedBefore": "2126-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param([], "abcd", id="everything"),
        pytest.param([where("PipelineName", "Equals", "ORDERS")], "ab", id="name without case"),
        pytest.param([where("PipelineName", "NotEquals", "orders")], "cd", id="another name"),
        pytest.param([where("Status", "In", "Failed", "Cancelled")], "acd", id="one of"),
        pytest.param([where("Status", "NotIn", "Failed", "Cancelled")], "b", id="none of"),
        pytest.param(
            [where("PipelineName", "In", "orders", "stock"), where("Status", "Equals", "Failed")],
            "ac",
            id="both conditions",
        ),
        pytest.param([where("RunGroupId", "Equals", "a")], "ab", id="group"),
        pytest.param([where("LatestOnly", "Equals", "true")], "bcd", id="latest only"),
    ],
)
def test_filters_choose_runs(
    adf: AdfSimulator, factory: Factory, filters: list[RunQueryFilter], found: str
) -> None:
    """All conditions must hold."""
    adf.seed_run("orders", "Failed", run_id="a", started_seconds_ago=30)
    adf.seed_run("orders", "Succeeded", run_id="b", group_id="a", started_seconds_ago=20)
    adf.seed_run("stock", "Failed", run_id="c")
    adf.seed_run("prices", "Cancelled", run_id="d")

    assert {run.run_id for run in factory.query(*filters).value} == set(found)


def test_times_are_compared_as_times(frozen_adf: AdfSimulator, frozen_factory: Factory) -> None:
    """The same moment written in another zone is the same moment."""
    frozen_adf.seed_run("p", run_id="a", started_seconds_ago=60)
    frozen_adf.seed_run("p", run_id="b", started_seconds_ago=120)
    start = frozen_factory.run("a").run_start
    assert start is not None
    elsewhere = (start + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"

    found = frozen_factory.query(where("RunStart", "Equals", elsewhere)).value

    assert [run.run_id for run in found] == ["a"]


def test_the_window_is_that_of_the_last_update(
    frozen_adf: AdfSimulator, frozen_factory: Factory
) -> None:
    """A run is found by when it last changed, not by when it began."""
    frozen_adf.seed_run("p", seconds=100, started_seconds_ago=150)
    now = datetime.fromisoformat(frozen_adf.now())

    def found(after: float, before: float) -> int:
        asked = RunFilterParameters(
            last_updated_after=now - timedelta(seconds=after),
            last_updated_before=now - timedelta(seconds=before),
        )
        sdk = frozen_factory.sdk.pipeline_runs
        return len(sdk.query_by_factory(GROUP, FACTORY, asked).value)

    assert [found(60, 40), found(160, 140), found(40, 0)] == [1, 0, 0]


@pytest.mark.parametrize(("order", "names"), [("ASC", "abc"), ("DESC", "cba")])
def test_runs_come_in_the_order_asked_for(
    adf: AdfSimulator, factory: Factory, order: str, names: str
) -> None:
    """Oldest or newest first."""
    for age, name in ((20, "b"), (30, "a"), (10, "c")):
        adf.seed_run("p", run_id=name, started_seconds_ago=age)

    answer = factory.query(order=RunQueryOrderBy(order_by="RunStart", order=order))

    assert "".join(str(run.run_id) for run in answer.value) == names


def test_long_results_come_in_pages_of_a_hundred(adf: AdfSimulator, factory: Factory) -> None:
    """Following the token gives every run once, and the last page has no token."""
    for number in range(205):
        adf.seed_run("p", run_id=f"run-{number:03}")
    sizes, seen, token = [], [], None

    while True:
        page = factory.query(continuation_token=token)
        sizes.append(len(page.value))
        seen += [run.run_id for run in page.value]
        token = page.continuation_token
        if token is None:
            break

    assert sizes == [100, 100, 5]
    assert len(set(seen)) == 205


def test_a_full_page_has_no_token(adf: AdfSimulator, factory: Factory) -> None:
    """Exactly a hundred rows are one page."""
    for _ in range(100):
        adf.seed_run("p")

    page = factory.query()

    assert (len(page.value), page.continuation_token) == (100, None)


def test_runs_started_between_pages_shift_nothing(adf: AdfSimulator, factory: Factory) -> None:
    """The second page goes on where the first one ended."""
    for number in range(101):
        adf.seed_run("p", run_id=f"old-{number:03}")

    first = factory.query()
    adf.seed_run("p", run_id="new")
    second = factory.query(continuation_token=first.continuation_token)

    assert len({run.run_id for run in [*first.value, *second.value]}) == 101


def test_activities_are_filtered_too(adf: AdfSimulator, factory: Factory) -> None:
    """Only the failed activity is asked for."""
    adf.script("p", activities=["A", "B"])
    run = adf.seed_failed_run("p", activity="B")

    failed = factory.activities(run.run_id, where("Status", "Equals", "Failed"))

    assert [one.activity_name for one in failed] == ["B"]


@pytest.mark.parametrize(
    ("body", "target"),
    [
        pytest.param(None, "body", id="no body"),
        pytest.param([], "body", id="no object"),
        pytest.param({}, "lastUpdatedAfter", id="no window"),
        pytest.param({**WINDOW, "lastUpdatedBefore": "soon"}, "lastUpdatedBefore", id="no time"),
        pytest.param({**WINDOW, "filters": "all"}, "filters", id="filters no list"),
        pytest.param({**WINDOW, "filters": ["x"]}, "filters", id="filter no object"),
        pytest.param({**WINDOW, "orderBy": [{"orderBy": "Cost"}]}, "orderBy", id="order"),
        pytest.param(
            {**WINDOW, "continuationToken": "guess"}, "continuationToken", id="unknown token"
        ),
    ],
)
def test_a_query_that_cannot_be_understood_is_a_400(
    adf: AdfSimulator, body: Any, target: str
) -> None:
    """The envelope says which part was wrong."""
    answer = (
        httpx.post(adf.url + QUERY, json=body) if body is not None else httpx.post(adf.url + QUERY)
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["target"] == target


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(where("ActivityName", "Equals", "x"), id="operand of another query"),
        pytest.param(where("RunGroupId", "In", "a", "b"), id="two groups"),
        pytest.param(where("Status", "Equals", "a", "b"), id="equals two"),
        pytest.param(where("Status", "Like", "F%"), id="operator"),
        pytest.param(where("Status", "In"), id="no values"),
    ],
)
def test_conditions_that_the_service_does_not_know_are_refused(
    adf: AdfSimulator, factory: Factory, condition: RunQueryFilter
) -> None:
    """A wrong filter is an error, never an empty result."""
    adf.seed_run("p")

    with pytest.raises(HttpResponseError) as caught:
        factory.query(condition)

    assert caught.value.status_code == 400
