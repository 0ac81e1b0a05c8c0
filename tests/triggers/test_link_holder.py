"""Who decides behind a link: whoever is signed in, or for what is of low risk nobody by name."""

import pytest

from shared.domain.analysis import Risk
from shared.domain.errors import Forbidden
from shared.domain.identity import LOCAL, Identity, Role
from triggers import approvals
from triggers.access import asking


def person(*roles: Role) -> Identity:
    """Return a person with roles."""
    return Identity("ana", "1", frozenset(roles), "entra")


def test_a_link_alone_names_nobody() -> None:
    """Not even the one it was sent to."""
    with asking(None):
        assert approvals._holder("bo", Risk.LOW) == ("link holder", "")


@pytest.mark.parametrize("risk", [one for one in Risk if one is not Risk.LOW])
def test_a_link_alone_is_for_low_risk(risk: Risk) -> None:
    """For more than that people sign in."""
    with asking(None), pytest.raises(Forbidden, match="sign in to decide"):
        approvals._holder("bo", risk)


@pytest.mark.parametrize("risk", Risk)
def test_who_is_signed_in_must_be_an_approver(risk: Risk) -> None:
    """Then any risk will do, and the name is the own one."""
    with asking(person(Role.VIEWER, Role.OPERATOR)), pytest.raises(Forbidden, match="approver"):
        approvals._holder("bo", risk)
    with asking(person(Role.APPROVER)):
        assert approvals._holder("bo", risk) == ("ana (link of bo)", "1")
    with asking(LOCAL):
        assert approvals._holder("", risk) == ("local user (link)", "local")
