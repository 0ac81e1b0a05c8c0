"""What stands inside wrapper errors."""

import pytest

from shared.diagnosis.codes import codes_in, is_distinctive
from shared.diagnosis.hits import known_names
from shared.diagnosis.reading import HEAD_CHARS, TAIL_CHARS, bounded, plain, printable

KNOWN = known_names()


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        pytest.param("2200", "", {"adf:2200"}, id="the activity's own code"),
        pytest.param(
            "2200",
            "Failure on 'Sink' side. ErrorCode=SqlOpenConnectionTimeout,'Type=Acme.X,Message=m'",
            {"adf:2200", "sqlopenconnectiontimeout"},
            id="copy wrapper with an inner name",
        ),
        pytest.param(
            "2200",
            "ErrorCode=SqlFailedToConnect,Message=m,SqlErrorNumber=40613,Class=20",
            {"sqlfailedtoconnect", "sql:40613"},
            id="connector code with an inner SQL number",
        ),
        pytest.param(
            "11402", "m,Errors=[{Class=14,Number=2627,State=1,}]", {"sql:2627"}, id="error list"
        ),
        pytest.param("", "Msg 8152, Level 16, State 1", {"sql:8152"}, id="T-SQL message"),
        pytest.param("2402", "Sql error number: 1205. m", {"sql:1205"}, id="procedure activity"),
        pytest.param(
            "",
            '{"errorCode": "2108", "message": "m", "failureType": "UserError"}',
            {"adf:2108"},
            id="the whole error object as text",
        ),
        pytest.param(
            "DFExecutorUserError",
            '{"StatusCode":"DF-Executor-InvalidPath","Message":"m"}',
            {"dfexecutorusererror", "df-executor-invalidpath"},
            id="data flow",
        ),
        pytest.param("2200", "m AADSTS7000222: secret", {"aadsts7000222"}, id="sign-in code"),
        pytest.param(
            "3204", "[DELTA_CONCURRENT_APPEND.HINT] m", {"delta_concurrent_append"}, id="sub-class"
        ),
        pytest.param("", "m SQLSTATE: 42P01", {"sqlstate:42p01", "sqlstate:42"}, id="SQLSTATE"),
        pytest.param(
            "",
            "Termination info: code: INIT_SCRIPT_FAILURE, type: CLIENT_ERROR",
            {"init_script_failure"},
            id="termination info",
        ),
        pytest.param(
            "", "AZURE_QUOTA_X(CLIENT_ERROR): m", {"azure_quota_x"}, id="code with its type"
        ),
        pytest.param(
            "", "Cluster ended. Reason: Communication lost", {"communication_lost"}, id="in words"
        ),
        pytest.param("", "Response status code: '503'", {"http:503"}, id="HTTP status"),
        pytest.param("", "status code 'Forbidden'", {"http:403"}, id="HTTP status by name"),
        pytest.param("429", "", {"http:429"}, id="HTTP status as the code"),
        pytest.param("1205", "", {"adf:1205", "sql:1205"}, id="number of an unknown namespace"),
        pytest.param("", "<Error><Code>ServerBusy</Code></Error>", {"serverbusy"}, id="XML"),
        pytest.param(
            "",
            "java.io.IOException caused by a ConcurrentAppendException",
            {"concurrentappendexception"},
            id="mentioned",
        ),
    ],
)
def test_inner_codes_are_found(code: str, message: str, expected: set[str]) -> None:
    """Each row hides a code the way its system does."""
    assert expected <= codes_in(code, message, KNOWN)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("2705", "", id="an activity's number is no SQL number"),
        pytest.param("", "4031 rows in 2627 files", id="bare numbers"),
        pytest.param("", "the run was skipped and disabled", id="ordinary words"),
        pytest.param("", "see chapter 404 of the manual", id="a number that looks like a status"),
    ],
)
def test_ordinary_text_holds_no_codes(code: str, message: str) -> None:
    """A number or a word without its cue means nothing."""
    assert codes_in(code, message, KNOWN) <= {f"adf:{code}", ""}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SqlFailedToConnect", True),
        ("DF-Executor-InvalidPath", True),
        ("INIT_SCRIPT_FAILURE", True),
        ("AADSTS50034", True),
        ("Forbidden", False),
        ("SKIPPED", False),
        ("self-hosted", False),
        ("java_home", False),
    ],
)
def test_only_distinctive_names_count_without_a_cue(name: str, expected: bool) -> None:
    """Words that occur in prose need a cue such as "ErrorCode="."""
    assert is_distinctive(name) is expected


def test_only_head_and_tail_of_a_long_text_are_read() -> None:
    """The middle of a megabyte costs nothing and says nothing."""
    middle = "ErrorCode=SqlOpenConnectionTimeout " * 30_000
    text = "a" * HEAD_CHARS + middle + "b" * (TAIL_CHARS - 30) + " ErrorCode=ServerBusy "

    assert codes_in("", text, KNOWN) == {"", "serverbusy"}
    assert len(bounded(text)) < HEAD_CHARS + TAIL_CHARS + 20
    assert len(plain(bounded(text))) < HEAD_CHARS + TAIL_CHARS + 20


def test_text_is_compared_in_one_form() -> None:
    """Case, quotes, line ends and JSON escapes differ between the places a message is shown."""
    shown = 'The \u2018IR\u2019\r\n  is\\n \\"Offline\\".'

    assert plain(shown) == "the 'ir' is \"offline\"."


def test_invisible_characters_are_dropped() -> None:
    """Bidirectional overrides and control codes could disguise a message."""
    assert printable("a\u202eb\x00c\u200bd\x1b[0m\te\nf") == "abcd[0m\te\nf"
