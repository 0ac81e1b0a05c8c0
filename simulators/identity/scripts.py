"""What a test or demo says about tokens: what is in one, and which key signs it."""

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
