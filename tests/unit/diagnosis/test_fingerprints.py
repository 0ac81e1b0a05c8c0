"""Keys of failures: what may differ without a new key, and what must not."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.diagnosis.failure import FailureText
from shared.diagnosis.fingerprints import exact, masked, masked_exactly, template
from shared.diagnosis.signatures import SIGNATURES

some = settings(max_examples=60, deadline=None)

guids = st.uuids().map(str)
times = st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z")
addresses = st.ip_addresses(v=4).map(str)
urls = st.from_regex(
    r"https://[a-z]{3,10}\.dfs\.core\.windows\.net/[a-z0-9/]{1,20}", fullmatch=True
)
counts = st.integers(min_value=1_000, max_value=99_999_999).map(str)
variable = st.one_of(guids, times, addresses, urls, counts)
names = st.from_regex(r"[a-z_]{3,12}", fullmatch=True)
statuses = st.sampled_from(["400", "401", "403", "404", "409", "429", "500", "502", "503"])
reasons = st.sampled_from(["Forbidden", "NotFound", "InternalServerError", "TooManyRequests"])
anything = st.one_of(
    st.text(max_size=200),
    st.sampled_from([one.message for each in SIGNATURES for one in each.examples]),
)


def text(message: str, code: str = "2200", **more: str) -> FailureText:
    """Return one failed step's text."""
    return FailureText(evidence_id="e1", error_code=code, message=message, **more)


@some
@given(variable, variable, names)
def test_what_differs_from_run_to_run_makes_no_new_key(one: str, other: str, name: str) -> None:
    """The same cause was reported twice; the kind of what differs is the same or not."""
    first, second = (text(f"Copy of '{name}' broke, see {each} for more") for each in (one, one))
    again = text(f"Copy of '{name}' broke, see {one} for more", step="another step")

    assert exact([first]) == exact([second]) == exact([again])
    if masked(one) == masked(other):
        changed = text(f"Copy of '{name}' broke, see {other} for more")
        assert exact([first]) == exact([changed])
        assert template([first]) == template([changed])


@some
@given(st.sampled_from([guids, times, addresses, urls, counts]), st.data())
def test_values_of_one_kind_share_a_key(kind: st.SearchStrategy[str], data: st.DataObject) -> None:
    """Two identifiers, times, addresses or sizes are worth the same."""
    one, other = data.draw(kind), data.draw(kind)

    assert exact([text(f"broke at {one}.")]) == exact([text(f"broke at {other}.")])


@some
@given(names, names)
def test_names_in_quotes_are_kept_for_verdicts_only(one: str, other: str) -> None:
    """Which module is missing decides the cause; for a trend it is the same kind."""
    first, second = (text(f"No module named '{name}' in \"{name}\"") for name in (one, other))

    assert template([first]) == template([second])
    assert (exact([first]) == exact([second])) == (one == other)


@pytest.mark.parametrize(
    "form",
    [
        "status code: {}",
        "Response status code: '{}'",
        "HTTP {} from the endpoint",
        "The remote server returned an error: ({})",
        '{{"statusCode": {}}}',
    ],
)
@given(one=statuses, other=statuses)
def test_status_codes_tell_causes_apart(form: str, one: str, other: str) -> None:
    """A 403 is for a person and a 503 passes, however it is written."""
    first, second = text(form.format(one)), text(form.format(other))

    assert (exact([first]) == exact([second])) == (one == other)
    assert (template([first]) == template([second])) == (one == other)


@pytest.mark.parametrize(
    "form",
    [
        "SqlErrorNumber={},Class=20",
        "Msg {}, Level 16",
        "Error Number: {}",
        "SQL error {}",
        "SQLSTATE: {}",
        "process ended with exit code {}",
        "ORA-{}: m",
    ],
)
@given(one=st.integers(100, 49_999), other=st.integers(100, 49_999))
def test_error_numbers_tell_causes_apart(form: str, one: int, other: int) -> None:
    """40613 passes and 18456 does not."""
    first, second = text(form.format(one)), text(form.format(other))

    assert (exact([first]) == exact([second])) == (one == other)
    assert (template([first]) == template([second])) == (one == other)


@some
@given(reasons, reasons)
def test_quoted_reasons_tell_causes_apart(one: str, other: str) -> None:
    """A quoted word may be a name, or the very reason."""
    first, second = (
        text(f"Operation returned an invalid status code '{reason}' for '{name}'")
        for reason, name in ((one, "lake1"), (other, "lake2"))
    )

    assert (template([first]) == template([second])) == (one == other)


def test_the_code_of_the_step_tells_causes_apart() -> None:
    """The same words under another code are another failure."""
    assert exact([text("m", "3200")]) != exact([text("m", "3208")])
    assert exact([text("m", "3200")]) == exact([text("m", " 3200 ")])


def test_apostrophes_quote_nothing() -> None:
    """What stands between two of them is the message itself."""
    assert masked("it doesn't work and can't start") == "it doesn't work and can't start"


@some
@given(st.lists(anything, max_size=5), st.randoms())
def test_order_and_repetition_mean_nothing(messages: list[str], random: object) -> None:
    """Services return steps in any order; a loop fails a thousand times for one reason."""
    shuffled = [*messages, *messages[:1]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    for key in (exact, template):
        assert key(map(text, messages)) == key(map(text, shuffled))


@some
@given(anything, anything)
def test_the_same_failure_is_of_the_same_kind(one: str, other: str) -> None:
    """A template never tells apart what is the same."""
    if exact([text(one)]) == exact([text(other)]):
        assert template([text(one)]) == template([text(other)])


@some
@given(anything)
def test_keys_are_short_and_stable(message: str) -> None:
    """Fit for a column of a database; two kinds of key never meet."""
    one, other = exact([text(message)]), template([text(message)])

    assert one == exact([text(message)])
    assert len(one) == len(other) == 32
    assert one != other


def test_causes_of_the_catalogue_do_not_share_a_key() -> None:
    """A reused verdict would be the other cause's."""
    seen: dict[str, str] = {}
    for signature in SIGNATURES:
        for example in signature.examples:
            key = exact([text(example.message, example.code)])
            assert seen.setdefault(key, signature.id) == signature.id


@pytest.mark.parametrize(
    "seed", ["a", "1", "'", '"', "/", "\\", "1.", "0x", "a.", "2026-", "://a", "code ", "a@", "1:"]
)
def test_masks_take_linear_time(seed: str) -> None:
    """A text of 64 kB costs no more than 50 ms, whatever it holds."""
    hostile = (seed * 65_536)[:65_536]
    times = []
    for _ in range(3):
        begun = process_time()
        masked(hostile)
        masked_exactly(hostile)
        times.append(process_time() - begun)

    assert min(times) < 0.1  # both of them
