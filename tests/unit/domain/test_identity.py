"""Roles are sets; a person is told apart by object id."""

import pytest

from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.identity import LOCAL, Role, identity_of, roles_of

OID = "00000000-0000-4000-8000-0000000000c1"


@pytest.mark.parametrize(
    ("values", "roles"),
    [
        (["Mend.Viewer"], {Role.VIEWER}),
        (["mend.OPERATOR"], {Role.VIEWER, Role.OPERATOR}),
        (["Approver"], {Role.VIEWER, Role.APPROVER}),
        (["Mend.Operator", "Mend.Approver"], {Role.VIEWER, Role.OPERATOR, Role.APPROVER}),
        (["Mend.Admin"], set(Role)),
        (["Mend.Owner", "Mend.", "", "ActionGroupsSecureWebhook", 1, None, ["admin"]], set()),
        (["Mend.Mend.Admin", "admin ", "Other.Admin"], set()),
        ("Mend.Admin", set()),
        ({"Mend.Admin": 1}, set()),
        (None, set()),
    ],
)
def test_roles_are_those_of_the_claim(values: object, roles: set[Role]) -> None:
    """With what they include; approving is not operating; nothing comes of other texts."""
    assert roles_of(values) == roles


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "ana@example.com", "upn": "b", "name": "c"}, "ana@example.com"),
        ({"upn": "bo@example.com", "name": "Bo"}, "bo@example.com"),
        ({"name": "Cem"}, "Cem"),
        ({"preferred_username": 7, "name": "Di\n\x1b[0m\u202e"}, "Di[0m"),
        ({"preferred_username": " \n"}, OID),
        ({"name": "x" * 300}, "x" * 200),
        ({}, OID),
    ],
)
def test_a_person_has_a_name(claims: dict[str, object], name: str) -> None:
    """The first there is, fit for a line of a log; or the id."""
    found = identity_of({"oid": OID.upper(), **claims})

    assert (found.name, found.oid, found.roles, found.method) == (name, OID, frozenset(), "entra")


@pytest.mark.parametrize("oid", [None, "", 7, ["a"], "x" * 101])
def test_a_token_that_names_nobody_is_refused(oid: object) -> None:
    """There is nothing to tell two of its owners apart by."""
    with pytest.raises(Unauthenticated):
        identity_of({"oid": oid, "roles": ["Mend.Admin"]})


def test_a_refusal_names_the_role() -> None:
    """And whoever is on this machine has all of them."""
    with pytest.raises(Forbidden, match="role approver, which bo has not got"):
        identity_of({"oid": OID, "name": "bo", "roles": ["Mend.Operator"]}).require(Role.APPROVER)
    for role in Role:
        LOCAL.require(role)
