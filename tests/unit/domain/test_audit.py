"""A chain that shows every touch."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.audit import AuditEntry, AuditNote, Head, verify
from shared.usecases.verify_audit import Chain
from tests.support.builders import NOW


def a_chain(length: int) -> list[AuditEntry]:
    """Return entries that follow each other."""
    entries: list[AuditEntry] = []
    for number in range(length):
        note = AuditNote(actor="ana", action="test", reason=f"number {number}")
        last = entries[-1] if entries else None
        entries.append(AuditEntry.after(last, note, at=NOW, subject="x", data={"n": number}))
    return entries


Touch = Callable[[list[AuditEntry], int], list[AuditEntry]]
TOUCHES: dict[str, Touch] = {
    "another reason": lambda all_, n: [
        *all_[:n], all_[n].model_copy(update={"reason": "no"}), *all_[n + 1 :]
    ],
    "other data": lambda all_, n: [
        *all_[:n], all_[n].model_copy(update={"data": {"n": -1}}), *all_[n + 1 :]
    ],
    "another time": lambda all_, n: [
        *all_[:n],
        all_[n].model_copy(update={"at": NOW.replace(microsecond=1)}),
        *all_[n + 1 :],
    ],
    "left out": lambda all_, n: [*all_[:n], *all_[n + 1 :]],
    "twice": lambda all_, n: [*all_[: n + 1], *all_[n:]],
    "cut off": lambda all_, n: all_[:n],
}  # fmt: skip


@pytest.mark.parametrize("touch", TOUCHES)
@given(length=st.integers(1, 12), data=st.data())
def test_every_touch_shows(touch: str, length: int, data: st.DataObject) -> None:
    """Against the head that somebody wrote down, nothing can be changed unseen."""
    entries = a_chain(length)
    noted = Head(seq=length, hash=entries[-1].hash)
    touched = TOUCHES[touch](entries, data.draw(st.integers(0, length - 1)))

    assert verify(entries, noted=noted).whole
    assert not verify(touched, noted=noted).whole


def test_a_rewritten_trail_is_whole_but_not_the_noted_one() -> None:
    """Who rewrites all that follows is found out by the head only."""
    before, after = a_chain(3), a_chain(3)
    note = AuditNote(actor="eve", action="test")
    after[2] = AuditEntry.after(after[1], note, at=NOW, subject="x", data={})

    assert verify(after).whole
    found = verify(after, noted=Head(seq=3, hash=before[2].hash))
    assert (found.whole, found.problem) == (False, "entry 3 is not the one that was noted")


@given(cuts=st.lists(st.integers(1, 5), max_size=6), noted=st.integers(0, 12))
def test_page_by_page_is_the_same(cuts: list[int], noted: int) -> None:
    """A long trail is read in parts."""
    entries = a_chain(10)
    head = Head(seq=noted, hash=entries[noted - 1].hash) if 0 < noted <= 10 else Head(seq=noted)
    chain, rest = Chain(head), entries
    for cut in [*cuts, 10]:
        found = chain.follow(rest[:cut])
        rest = rest[cut:]
        if not found.whole:
            break
    whole = chain.ended() if found.whole else found
    assert whole.whole == verify(entries, noted=head).whole
