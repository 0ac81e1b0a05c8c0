"""What stands in the tokens of somebody who has signed in."""

import hashlib

from pydantic import JsonValue

from simulators.identity.directory import Resource
from simulators.identity.scripts import ApplicationScript, PersonScript


def access_claims(
    person: PersonScript, app: ApplicationScript, resource: Resource
) -> dict[str, JsonValue]:
    """Return the claims of an access token, as its version has them."""
    of_version: dict[str, JsonValue]
    if app.version == 1:
        # As it was named when it was asked for; only v2 tokens always have the id.
        of_version = {"aud": resource.name, "appid": app.client_id, "upn": person.username}
    else:
        of_version = {
            "aud": app.client_id,
            "azp": app.client_id,
            "preferred_username": person.username,
        }
    return {**of_version, **_about(person, app), "scp": "user_impersonation"}


def id_claims(person: PersonScript, app: ApplicationScript, nonce: str) -> dict[str, JsonValue]:
    """Return the claims of an ID token."""
    claims = {
        "aud": app.client_id,
        "preferred_username": person.username,
        **_about(person, app),
    }
    return {**claims, "nonce": nonce} if nonce else claims


def _about(person: PersonScript, app: ApplicationScript) -> dict[str, JsonValue]:
    oid = person.oid or f"oid-of-{person.username}"
    pairwise = hashlib.sha256(f"{oid} {app.client_id}".encode()).hexdigest()
    return {
        "oid": oid,
        "sub": pairwise,
        "name": person.name or person.username,
        "roles": list(person.roles) or None,
    }
