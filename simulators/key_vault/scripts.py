"""What a test or demo says about secrets."""

from pydantic import Field

from simulators.kit.controls import Instruction


class SecretScript(Instruction):
    """A new version of a secret, the current one from now on."""

    name: str = Field(pattern=r"^[0-9A-Za-z-]{1,127}$")
    value: str
    enabled: bool = True
