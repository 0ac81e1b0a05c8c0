"""A link is good for one question, about one plan, for a while: nothing in it can be changed."""

import random
import string
from datetime import timedelta

import pytest

from shared.domain.analysis import Action, Risk
from shared.domain.approval import Approval, Plan
from shared.domain.errors import Forbidden
from shared.security.approval_links import ApprovalLinks
from shared.signing import SigningKey
from tests.support.builders import NOW

KEY, OLD = SigningKey("k2", b"2" * 32), SigningKey("k1", b"1" * 32)
LINKS = ApprovalLinks((KEY,), "https://mend.example")
PLAN = Plan(
    action=Action.RERUN_PIPELINE, target="p", scope="s", run_id="r", risk=Risk.LOW, attempt_number=1
)
QUESTION = Approval(
    id="APR-20261120-000001-1",
    ticket_id="TIK-20261120-000001",
    number=1,
    plan=PLAN,
    plan_hash=PLAN.hash,
    requested_at=NOW,
    expires_at=NOW + timedelta(hours=4),
)


def test_a_link_is_read_back() -> None:
    """Everything it is good for stands in it."""
    claims = LINKS.read(LINKS.token(QUESTION, "ana"), NOW)

    assert (claims.approval_id, claims.ticket_id) == (QUESTION.id, QUESTION.ticket_id)
    assert (claims.plan_hash, claims.approver) == (PLAN.hash, "ana")
    assert claims.expires_at == QUESTION.expires_at


def test_the_token_stands_in_the_fragment() -> None:
    """No server and no log ever sees it."""
    before, _, fragment = LINKS.link(QUESTION).partition("#")
    assert before == "https://mend.example/api/approve"
    assert fragment.startswith("t=a1.k2.")


def test_too_late() -> None:
    """The last moment is before the end."""
    token = LINKS.token(QUESTION)
    LINKS.read(token, QUESTION.expires_at - timedelta(seconds=1))
    with pytest.raises(Forbidden):
        LINKS.read(token, QUESTION.expires_at)


def test_keys_are_changed_without_breaking_links() -> None:
    """Old links are good until their key is taken out; then they fail."""
    token = ApprovalLinks((OLD,), "").token(QUESTION)

    assert ApprovalLinks((KEY, OLD), "").read(token, NOW)
    with pytest.raises(Forbidden):
        ApprovalLinks((KEY,), "").read(token, NOW)
    with pytest.raises(Forbidden):  # the name of one key with the signature of another
        ApprovalLinks((KEY, OLD), "").read(token.replace(".k1.", ".k2."), NOW)


def test_no_mutated_token_is_accepted() -> None:
    """A hundred thousand of them; and never anything but the one refusal."""
    chance, token = random.Random(11), LINKS.token(QUESTION, "ana")
    alphabet = string.ascii_letters + string.digits + "-_.=é\n"
    refused = 0
    for _ in range(100_000):
        at = chance.randrange(len(token))
        match chance.randrange(4):
            case 0:
                other = token[:at] + chance.choice(alphabet) + token[at + 1 :]
            case 1:
                other = token[:at] + token[at + 1 :]
            case 2:
                other = token[:at] + chance.choice(alphabet) + token[at:]
            case _:
                end = chance.randrange(len(token))
                other = token[: min(at, end)] + token[max(at, end) :]
        if other == token:
            refused += 1
            continue
        try:
            LINKS.read(other, NOW)
        except Forbidden:
            refused += 1
    assert refused == 100_000
