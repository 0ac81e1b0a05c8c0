"""What labels say an alert is about."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.alert import Platform
from shared.intake.fields import JsonObject
from shared.intake.normalised import IntakeDefaults
from shared.intake.subject import Named, Subject, read_subject
from tests.unit.intake.bodies import (
    DEFAULTS,
    HR_ID,
    NO_DEFAULTS,
    QUICK,
    RECEIVED,
    SALES,
    WITH_WORKSPACE,
    values,
)

HOST = "adb-1.1.azuredatabricks.net"


def subject(
    labels: dict[str, object], defaults: IntakeDefaults = WITH_WORKSPACE, *, plain_job: bool = False
) -> Subject:
    """Read what labels say about an alert called "Late"."""
    named = Named("alertmanager", "Late")
    return read_subject(JsonObject(labels), named, defaults, RECEIVED, plain_job=plain_job)


@pytest.mark.parametrize("name", ["pipeline", "pipeline_name", "adf_pipeline", "pipelineName"])
@pytest.mark.parametrize(
    ("where", "scope"),
    [
        ({}, SALES),
        ({"factory": "ADF-Sales"}, SALES),
        ({"factory_name": "adf-hr"}, SALES.replace("adf-sales", "adf-hr")),
        ({"data_factory": HR_ID}, HR_ID.lower()),
        ({"data_factory_id": HR_ID}, HR_ID.lower()),
    ],
)
def test_a_pipeline(name: str, where: dict[str, object], scope: str) -> None:
    """By any of its names, in the labelled or the default factory."""
    resource = subject({name: "pl_x", **where}).resource

    assert (resource.platform, resource.kind) == (Platform.ADF, "pipeline")
    assert (resource.scope, resource.name) == (scope, "pl_x")


@pytest.mark.parametrize("name", ["run_id", "runId", "pipeline_run_id"])
def test_a_run(name: str) -> None:
    """With it there is nothing to look for."""
    found = subject({"pipeline": "pl_x", name: "r-1"})

    assert (found.resource.run_id, found.window) == ("r-1", None)


def test_without_a_run_there_is_a_window() -> None:
    """It ends soon after the alert."""
    window = subject({"pipeline": "pl_x"}).window

    assert window is not None
    assert window.end - RECEIVED == timedelta(minutes=15)
    assert RECEIVED - window.start == timedelta(minutes=75)


def test_a_bad_run_is_noted() -> None:
    """The pipeline is still known."""
    found = subject({"pipeline": "pl_x", "run_id": "a/b"})

    assert (found.resource.name, found.resource.run_id) == ("pl_x", None)
    assert "the run is not known" in found.notes[-1]


@pytest.mark.parametrize(
    ("labels", "name", "run_id"),
    [
        ({"databricks_job": "orders"}, "orders", None),
        ({"databricks_job_name": "orders", "run_id": "17"}, "orders", "17"),
        ({"databricks_job": "orders", "run_id": "x"}, "orders", None),
        ({"job_name": "orders", "run_id": 17}, "orders", "17"),
        ({"job_id": 55, "run_id": "17"}, "55", "17"),
        ({"job_name": "orders", "job_id": "55", "run_id": "17"}, "orders", "17"),
        ({"job_name": "orders", "platform": "databricks"}, "orders", None),
    ],
)
def test_a_job(labels: dict[str, object], name: str, run_id: str | None) -> None:
    """By a name that can only be Databricks', or together with a run."""
    found = subject(labels)

    assert (found.resource.platform, found.resource.scope) == (Platform.DATABRICKS, HOST)
    assert (found.resource.name, found.resource.run_id) == (name, run_id)
    assert (found.window is None) == (run_id is not None)


@pytest.mark.parametrize("name", ["workspace", "workspace_url", "databricks_host"])
@pytest.mark.parametrize("host", ["adb-2.net", "https://ADB-2.net/?o=1", "http://adb-2.net/"])
def test_a_workspace(name: str, host: str) -> None:
    """A label wins over the default one."""
    assert subject({"databricks_job": "x", name: host}).resource.scope == "adb-2.net"


@pytest.mark.parametrize(
    ("labels", "note"),
    [
        pytest.param({}, None, id="no labels"),
        pytest.param({"job": "node", "run_id": "17"}, None, id="the scrape job"),
        pytest.param({"job_name": "orders"}, None, id="a job of some scheduler"),
        pytest.param({"job_name": "orders", "run_id": "x-1"}, "numbers", id="another kind of run"),
        pytest.param({"pipeline": "a/b"}, "'/'", id="a pipeline with a path"),
        pytest.param({"pipeline": ["x"]}, "a list", id="a list"),
        pytest.param({"pipeline": "x", "Pipeline": "y"}, "disagree", id="two pipelines"),
        pytest.param({"pipeline": "x", "factory": "/x"}, "must be /subscr", id="a bad factory"),
        pytest.param({"databricks_job": "x", "workspace": "a b"}, "host name", id="no host"),
        pytest.param({"databricks_job": "x", "workspace": "prod"}, "host name", id="no dot"),
        pytest.param({"databricks_job": "x", "workspace": "u@h.net"}, "host name", id="a user"),
        pytest.param({"pipeline": "x", "platform": "other"}, None, id="said to be another"),
        pytest.param({"databricks_job": True}, "true or false", id="true"),
    ],
)
def test_nothing_that_can_be_healed(labels: dict[str, object], note: str | None) -> None:
    """Then the alert is about itself, and a note says what was wrong."""
    found = subject(labels)

    assert (found.resource.platform, found.resource.kind) == (Platform.OTHER, "alert")
    assert (found.resource.scope, found.resource.name) == ("alertmanager", "Late")
    assert found.window is None
    assert (len(found.notes) == 1 and note in found.notes[0]) if note else found.notes == ()


@pytest.mark.parametrize(
    ("labels", "setting"),
    [
        ({"pipeline": "x"}, "factory"),
        ({"databricks_job": "x"}, "MEND_DATABRICKS_HOST"),
    ],
)
def test_nobody_knows_where_it_lives(labels: dict[str, object], setting: str) -> None:
    """The note says what is missing."""
    found = subject(labels, NO_DEFAULTS)

    assert found.resource.platform is Platform.OTHER
    assert setting in found.notes[0]


def test_a_plain_job() -> None:
    """Only where the sender says that it may be one."""
    assert subject({"job": "x", "run_id": 1}, plain_job=True).resource.name == "x"
    assert subject({"job": "x"}, plain_job=True).resource.platform is Platform.OTHER


def test_a_bad_pipeline_may_still_be_a_job() -> None:
    """Its note is kept."""
    found = subject({"pipeline": "a/b", "databricks_job": "orders"})

    assert found.resource.platform is Platform.DATABRICKS
    assert "'/'" in found.notes[0]


LABELS = st.dictionaries(
    st.sampled_from(
        [
            "pipeline",
            "factory",
            "run_id",
            "runId",
            "job",
            "job_name",
            "databricks_job",
            "workspace",
            "platform",
            "job_id",
            "data_factory_id",
            "subscription_id",
        ]
    ),
    values | st.sampled_from(["x", "1", 17, "databricks", "adf", SALES, HOST]),
)


@given(LABELS, st.sampled_from([DEFAULTS, WITH_WORKSPACE, NO_DEFAULTS]), st.booleans())
@QUICK
def test_no_label_ever_costs_the_alert(
    labels: dict[str, object], defaults: IntakeDefaults, plain_job: bool
) -> None:
    """Whatever is in them."""
    resource = subject(labels, defaults, plain_job=plain_job).resource

    assert resource.name
    assert resource.platform is not Platform.DATABRICKS or (resource.run_id or "1").isdigit()
