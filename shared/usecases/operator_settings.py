"""What operators switch while the system runs: the mode, the threshold, the kill switch."""

from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from shared.domain.errors import Unavailable
from shared.domain.model import Model
from shared.ports.settings import SettingsStore

_MODE = "execution-mode"
_KILL_SWITCH = "kill-switch"

_M = TypeVar("_M", bound=Model)


class ExecutionMode(Model):
    """``auto`` acts alone within policy, ``hil`` (human in the loop) always asks."""

    mode: Literal["auto", "hil"]
    confidence_threshold: float = Field(ge=0, le=1)


class KillSwitch(Model):
    """While ``on``, nothing is sent; intake, tickets and monitoring go on."""

    scope: Literal["global"] = "global"
    on: bool = False
    reason: str = Field(default="", max_length=500)


async def execution_mode(settings: SettingsStore, *, at_first: ExecutionMode) -> ExecutionMode:
    """Return the stored mode, or ``at_first`` if it was never set.

    Raises:
        Unavailable: it cannot be read, or makes no sense: the caller must not act.
    """
    stored = await settings.read(_MODE)
    if stored is None:
        return at_first
    return _read(ExecutionMode, _MODE, stored.value)


async def set_execution_mode(settings: SettingsStore, mode: ExecutionMode) -> None:
    """Store ``mode``; decisions made from now on use it."""
    await settings.write(_MODE, mode.model_dump(mode="json"))


async def kill_switch(settings: SettingsStore) -> KillSwitch:
    """Return the kill switch as stored at this moment.

    Raises:
        Unavailable: it cannot be read: the caller must not act.
    """
    stored = await settings.read(_KILL_SWITCH)
    return KillSwitch() if stored is None else _read(KillSwitch, _KILL_SWITCH, stored.value)


async def set_kill_switch(settings: SettingsStore, switch: KillSwitch) -> None:
    """Store the switch; it holds for every send that has not left yet."""
    await settings.write(_KILL_SWITCH, switch.model_dump(mode="json"))


def _read(model: type[_M], name: str, value: dict[str, object]) -> _M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Unavailable(f"the stored setting {name!r} makes no sense; write it again") from error
