"""Bodies broken by an unescaped error message: what is recovered, and what never is."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput, TooLarge
from shared.intake.body import NotJson
from tests.unit.intake.bodies import DEFAULTS, QUICK, send, the_alert

HEAD = '{"pipelineName": "load", "runId": "r-1", "message": "'
TAIL = '", "runId": "r-1", "pipelineName": "load"}'


@pytest.mark.parametrize(
    "message",
    [
        pytest.param('Column "id" is missing', id="quotes in the middle"),
        pytest.param('"id"', id="quotes at both ends"),
        pytest.param('Failed: "a","b" and "c"', id="a list of quoted names"),
        pytest.param('"a", "b"', id="nothing but quoted names"),
        pytest.param('Failed: {"error": {"code": "X"}}', id="JSON inside"),
        pytest.param('{"runId": "child", "pipelineName": "other"}', id="JSON with other ids"),
        pytest.param('said: {"x": [1, {"runId": "child"}]} thrice', id="deeper JSON with an id"),
        pytest.param('at "x":\n  line 2\n  line 3', id="quotes and line breaks"),
        pytest.param("no file \\\\share\\new\\x", id="a Windows path"),
        pytest.param('a } b ] c "', id="closing brackets"),
        pytest.param("ends with a backslash\\", id="a backslash before the closing quote"),
        pytest.param('"', id="one quote"),
        pytest.param('x", y', id="a quote and a comma"),
        pytest.param('key "runId": "evil', id="like a member, but for the comma"),
        pytest.param('a "b", "x\\": "y', id="an escaped quote where a name would end"),
        pytest.param('a "b", "runId"="evil', id="like a member, but for the colon"),
    ],
)
@pytest.mark.parametrize("position", ["message last", "message first"])
def test_ids_and_message_survive(message: str, position: str) -> None:
    """Whatever the message brings, the ids are the author's and the message is kept."""
    body = f'{HEAD}{message}"}}' if position == "message last" else f'{{"message": "{message}{TAIL}'

    alert = the_alert("adf", body)

    assert (alert.resource.run_id, alert.resource.name) == ("r-1", "load")
    assert "not JSON" in alert.notes[0]
    assert alert.description == message


def test_the_whole_message_is_kept_as_it_was_sent() -> None:
    """Nothing is unescaped: the author did not escape it either."""
    message = 'Can\'t open "C:\\temp\\new.csv":\n{"code": "X"}'

    alert = the_alert("adf", f'{{"message": "{message}{TAIL}')

    assert alert.description == message


def test_a_body_that_was_cut_off() -> None:
    """What came before the cut is used, to the last character."""
    alert = the_alert("adf", f"{HEAD}cut o")

    assert alert.resource.run_id == "r-1"
    assert alert.description == "cut o"


def test_line_breaks_alone_lose_nothing() -> None:
    """The commonest damage is read as JSON that merely forgot to escape its line breaks."""
    body = json.dumps(
        {
            "runId": "r-1",
            "pipelineName": "load",
            "error": {"errorCode": "2200", "message": 'first § "second"'},
            "details": "one § two",
            "environment": "prod",
        }
    ).replace("\\u00a7", "\n\t")

    alert = the_alert("adf", body)

    assert alert.description == 'first \n\t "second"'
    assert (alert.error_code, alert.environment) == ("2200", "prod")
    assert "line 1, column" in alert.notes[0]


def test_a_broken_error_object_keeps_its_sound_members() -> None:
    """The usual shape of an activity's error, with quotes in its message."""
    body = (
        '{"pipelineName": "load", "error": {"errorCode": "2200", "message": "no "id" there", '
        '"failureType": "UserError", "target": "Copy orders"}, "runId": 17, "env": "prod"}'
    )

    alert = the_alert("adf", body)

    assert alert.description == 'no "id" there'
    assert (alert.error_code, alert.error_activity) == ("2200", "Copy orders")
    assert (alert.resource.run_id, alert.environment) == ("17", "prod")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"runId": "r-1", "pipelineName": "load",}', id="a comma too many"),
        pytest.param('{"runId": "r-1", "retry": , "pipelineName": "load"}', id="no value"),
        pytest.param(
            '{"runId": "r-1", "details": "a "b" c", "pipelineName": "load"}', id="another field"
        ),
        pytest.param(
            '{"message": "a "b"", "more": {"x": "y"}, "list": ["a", 1], "n": -1.5e3, "t": true, '
            '"runId": "r-1", "no": null, "pipelineName": "load"}',
            id="simple values of all types after it",
        ),
        pytest.param(
            '  {"message" : "a "b"" ,\n "runId"\t:\r"r-1" , "pipelineName" : "load" } \n',
            id="white space everywhere",
        ),
    ],
)
def test_other_damage(body: str) -> None:
    """The ids are recovered from any other slip that leaves them readable."""
    alert = the_alert("adf", body)

    assert (alert.resource.run_id, alert.resource.name) == ("r-1", "load")


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        pytest.param(
            '{"pipelineName": "load", "message": "a "b" c"}',
            ["line 1, column 41", "runId could not be recovered"],
            id="no run id",
        ),
        pytest.param(
            '{"message": "a "b" c"}',
            ["line 1, column 17", "runId and pipelineName could not be recovered"],
            id="neither id",
        ),
        pytest.param(
            '{"runId": "r-1", "pipelineName": "lo"ad", "message": "x"}',
            ["line 1, column 38", "pipelineName could not be recovered"],
            id="the name itself is broken",
        ),
        pytest.param(
            '{"message": "a "b", {"runId": "child"} c", "pipelineName": "load"}',
            ["runId could not be recovered"],
            id="an id inside the message is not the author's",
        ),
        pytest.param(
            HEAD + 'a "b", "runId": "evil"}',
            ["line 1, column 57", "runId and runId disagree"],
            id="a message that brings a second run id",
        ),
        pytest.param(
            '{"runId": "evil", "x": "" b", "pipelineName": "load", "pipelineRunId": "r-1"}',
            ["runId and pipelineRunId disagree"],
            id="two spellings that disagree",
        ),
        pytest.param(
            '{"runId": "@{pipeline().RunId}", "pipelineName": "load", "message": @{x}}',
            ["line 1", "dynamic content"],
            id="an expression nobody evaluated",
        ),
        pytest.param(
            '{"pipelineName": "load", "message": "key "runId": "evil"}',
            ["runId could not be recovered"],
            id="the end of a message looks like a member, but for the comma",
        ),
        pytest.param(
            '{"pipelineName": "load", "message": "a "b", "runId"="evil"}',
            ["runId could not be recovered"],
            id="the same, but for the colon",
        ),
        pytest.param(
            '{"pipelineName": "load", "message": "a "b", "runId": 12 34}',
            ["runId could not be recovered"],
            id="the same, but for the value",
        ),
    ],
)
def test_refused_with_both_facts(body: str, facts: list[str]) -> None:
    """If the ids are not certain, the author learns where the JSON broke and what is missing."""
    with pytest.raises(InvalidInput) as caught:
        send("adf", body)

    assert "not JSON" in str(caught.value)
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('[{"runId": "r-1", "pipelineName": "load", }', id="a list"),
        pytest.param("runId=r-1&pipelineName=load", id="a form"),
        pytest.param('"{\\"runId\\": 1', id="an object inside a text"),
    ],
)
def test_only_objects_are_read_leniently(body: str) -> None:
    """Elsewhere the position of the error is all there is to say."""
    with pytest.raises(NotJson) as caught:
        send("adf", body)

    assert caught.value.field == "body"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param('{"runId":"r","pipelineName":"p","runId":"r"}', "more than once", id="twice"),
        pytest.param('{"runId":"r","pipelineName":"p","x":NaN}', "NaN", id="NaN"),
        pytest.param('{"runId":"r","pipelineName":"p","x":"\\u0000"}', "NUL", id="NUL"),
        pytest.param('{"runId":"r","pipelineName":"p\\ud800"}', "surrogate", id="surrogate"),
        pytest.param('{"runId":"r","pipelineName":"p","m":"a\nb","x":NaN}', "NaN", id="NaN, break"),
        pytest.param(HEAD + 'a "b"", "x": NaN, "y": 1}', "NaN", id="NaN after the break"),
        pytest.param('{"x": 1e999, "y": "a "b""}', "infinite", id="infinite before the break"),
        pytest.param(HEAD + 'a "b"", "env": "\\ud800"}', "surrogate", id="surrogate after it"),
        pytest.param(
            '{"e": {"a": 1, "a": 2}, "message": "a "b"' + TAIL, "more than once", id="twice inside"
        ),
        pytest.param(HEAD + 'a "b" \x00"}', "NUL", id="a NUL byte in the message"),
    ],
)
def test_the_strict_refusals_still_hold(body: str, message: str) -> None:
    """The second reading is no way around the first one."""
    with pytest.raises(InvalidInput, match=message):
        send("adf", body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HEAD + 'a "b"' + " " * 300_000 + '"}', id="300 KB"),
        pytest.param('{"runId":"r","pipelineName":"p","x":' + "[" * 40 + '"a "b""', id="40 levels"),
    ],
)
def test_too_large_is_too_large_even_if_broken(body: str) -> None:
    """Size and depth are looked at first."""
    with pytest.raises(TooLarge):
        send("adf", body)


@pytest.mark.parametrize("message", ['a "b" c', "a b c", 'a\n"b": '])
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(', "callBackUri": "SECRET"' + TAIL[1:], id="before the ids"),
        pytest.param(TAIL[1:-1] + ', "callBackUri": "SECRET"}', id="after them"),
        pytest.param(
            ', "CallBackUri": "SECRET", "x": {"y": {}}' + TAIL[1:], id="swallowed by the message"
        ),
    ],
)
def test_the_call_back_address_is_never_kept(message: str, end: str) -> None:
    """It holds the key that resumes the pipeline."""
    answer = _answer(f'{{"message": "{message}"{end}')

    assert '"run_id":"r-1"' in answer
    assert "SECRET" not in answer


def _answer(body: str) -> str:
    try:
        return send("adf", body).model_dump_json()
    except InvalidInput as error:
        return str(error)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(HEAD + '"' * 262_000, id="quotes"),
        pytest.param(HEAD + 'x"' + ',"a":"b' * 37_000, id="members that never end"),
        pytest.param(HEAD + 'x"y"' + ',"a":"b"' * 32_000 + "}", id="members to the end"),
        pytest.param(HEAD + 'x"y' + '"}' * 130_000, id="closing braces"),
        pytest.param(HEAD + 'x"' + "\\" * 262_000 + '"}', id="backslashes"),
        pytest.param(HEAD + 'x"y"' + " " * 262_000 + "}", id="white space"),
        pytest.param(HEAD + 'x"' + "callBackUri " * 21_000 + '"}', id="call-back addresses"),
        pytest.param('{"a":1' + ',"a":1' * 43_000 + ',"x":"a"b"}', id="members before it"),
        pytest.param('{"error":' * 30 + '{"message":"x"' + "{}" * 130_000, id="nested and braces"),
    ],
)
def test_reading_takes_linear_time(body: str) -> None:
    """The worst a quarter of a megabyte can do is milliseconds, so seconds would be a bug."""
    started = time.process_time()

    _answer(body[:262_144])

    assert time.process_time() - started < 2


@given(st.text(st.sampled_from('ab"\\{}[]:, \n') | st.characters(exclude_categories=["Cs"])))
@QUICK
def test_any_message_leaves_the_ids_alone(message: str) -> None:
    """Pasted between quotes, no text makes us act on another run: at worst we refuse."""
    for body in (f'{HEAD}{message}"}}', f'{{"message": "{message}{TAIL}'):
        try:
            [alert] = send("adf", body, DEFAULTS).alerts
        except InvalidInput:
            continue
        assert (alert.resource.run_id, alert.resource.name) == ("r-1", "load")


@given(st.lists(st.sampled_from(['"', ":", ",", "{", "}", ' "runId"', '"evil"', "\\", "x"])))
@settings(QUICK, max_examples=300)
def test_a_message_made_to_deceive_does_not(parts: list[str]) -> None:
    """Even a message made of members cannot override an id that the author did send."""
    message = "".join(parts)
    for body in (f'{HEAD}{message}"}}', f'{{"message": "{message}{TAIL}'):
        try:
            [alert] = send("adf", body, DEFAULTS).alerts
        except InvalidInput:
            continue
        assert alert.resource.run_id == "r-1"
