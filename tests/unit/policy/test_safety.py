"""What a definition shows about running a pipeline again; where it is not certain, nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analysis import RerunSafety
from shared.policy.safety import detect


def copy(**sink: object) -> dict[str, Any]:
    """Return a copy activity."""
    return {"name": "Copy", "type": "Copy", "typeProperties": {"source": {}, "sink": sink}}


def a(kind: str, **properties: object) -> dict[str, Any]:
    """Return an activity."""
    return {"name": kind, "type": kind, "typeProperties": properties}


APPENDS = copy(type="AzureSqlSink", writeBehavior="insert")
OVERWRITES = copy(type="ParquetSink")
SAFE, PART, NOBODY = RerunSafety.IDEMPOTENT, RerunSafety.FROM_FAILURE, RerunSafety.UNKNOWN


@pytest.mark.parametrize(
    ("activities", "safety"),
    [
        pytest.param([OVERWRITES], SAFE, id="a file of the same name is overwritten"),
        pytest.param([copy(type="AzureSqlSink", writeBehavior="upsert")], SAFE, id="upsert"),
        pytest.param(
            [copy(type="SqlSink", preCopyScript="TRUNCATE TABLE dbo.orders")], SAFE, id="truncate"
        ),
        pytest.param([APPENDS], PART, id="insert adds the rows again"),
        pytest.param([copy(type="SqlDWSink")], PART, id="insert is the default"),
        pytest.param([copy(type="SqlSink", preCopyScript="EXEC prepare")], PART, id="any script"),
        pytest.param(
            [copy(type="AzureSqlSink", writeBehavior={"type": "Expression"})],
            PART,
            id="an expression is not read",
        ),
        pytest.param([a("Lookup"), OVERWRITES, a("Wait")], SAFE, id="all harmless"),
        pytest.param([OVERWRITES, APPENDS], PART, id="one that adds is enough"),
        pytest.param([OVERWRITES, a("SqlServerStoredProcedure")], NOBODY, id="a procedure"),
        pytest.param([APPENDS, a("DatabricksNotebook")], PART, id="adds, and who knows what else"),
        pytest.param([a("ForEach", activities=[APPENDS])], PART, id="inside of a loop"),
        pytest.param(
            [a("IfCondition", ifTrueActivities=[OVERWRITES], ifFalseActivities=[APPENDS])],
            PART,
            id="on one of two ways",
        ),
        pytest.param(
            [a("Switch", cases=[{"value": "x", "activities": [APPENDS]}])], PART, id="in a case"
        ),
        pytest.param([], NOBODY, id="nothing is there"),
        pytest.param([{"type": "Copy"}], NOBODY, id="a copy without a sink"),
    ],
)
def test_detection(activities: list[dict[str, Any]], safety: RerunSafety) -> None:
    """Only certainty counts."""
    assert detect({"name": "p", "properties": {"activities": activities}}) is safety
    assert detect({"activities": activities}) is safety


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["activities", "type", "typeProperties", "sink"]), inner
            )
        ),
        max_leaves=20,
    )
)
def test_nothing_breaks_it(definition: object) -> None:
    """Definitions are written by others, and read in the middle of the night."""
    assert detect(definition) in RerunSafety
