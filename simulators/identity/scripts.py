"""What a test or demo says: what is in a token, which apps there are, and who signs in."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from simulators.kit.controls import Instruction


class TokenScript(Instruction):
    """One token. What is not given is as the real service would write it.

    ``claims`` and ``header`` win over that; ``null`` leaves one out. ``key``: the newest one, the
    one before it, or one that was never published.
    """

    tenant: str = Field(min_length=1)
    version: Literal[1, 2] = 2
    claims: Mapping[str, JsonValue] = {}
    header: Mapping[str, JsonValue] = {}
    key: Literal["current", "previous", "stranger"] = "current"
    lifetime_seconds: float = Field(default=3600, allow_inf_nan=False)


class RotateScript(Instruction):
    """A new key. ``keep``: the old ones are still published."""

    keep: bool = True


class ApplicationScript(Instruction):
    """An app registration that people sign in to, which is its own API as well.

    ``redirect_uris`` are of the type "single-page application". ``version`` is
    ``requestedAccessTokenVersion``. ``claims`` win over those of its access tokens.
    """

    tenant: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    redirect_uris: tuple[str, ...]
    identifier_uri: str | None = None
    version: Literal[1, 2] = 1
    lifetime_seconds: float = Field(default=3600, allow_inf_nan=False)
    claims: Mapping[str, JsonValue] = {}


class PersonScript(Instruction):
    """Somebody of the directory; ``roles`` are app roles, such as ``Mend.Viewer``."""

    username: str = Field(min_length=1, pattern=r"^[\w.+@-]+$")
    name: str = ""
    oid: str = ""
    roles: tuple[str, ...] = ()


class RevokeScript(Instruction):
    """Every refresh token that ``username`` has been given so far is good no longer."""

    username: str = Field(min_length=1)
