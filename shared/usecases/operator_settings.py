"""What operators switch while the system runs: mode, threshold, kill switch, limits."""

from collections.abc import Callable
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from shared.domain.errors import Unavailable, VersionConflict
from shared.domain.model import Model
from shared.policy.settings import PolicySettings
from shared.ports.settings import SettingsStore

_MODE = "execution-mode"
_KILL_SWITCH = "kill-switch"
_POLICY = "policy"

_MAX_TRIES = 20

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


async def change_execution_mode(
    settings: SettingsStore,
    change: Callable[[ExecutionMode], ExecutionMode],
    *,
    at_first: ExecutionMode,
) -> ExecutionMode:
    """Apply ``change`` and return the mode that decisions use from now on."""
    return await _change(settings, _MODE, change, ExecutionMode, at_first)


async def kill_switch(settings: SettingsStore) -> KillSwitch:
    """Return the kill switch as stored at this moment.

    Raises:
        Unavailable: it cannot be read: the caller must not act.
    """
    stored = await settings.read(_KILL_SWITCH)
    return KillSwitch() if stored is None else _read(KillSwitch, _KILL_SWITCH, stored.value)


async def change_kill_switch(
    settings: SettingsStore, change: Callable[[KillSwitch], KillSwitch]
) -> KillSwitch:
    """Apply ``change``; the result holds for every send that has not left yet."""
    return await _change(settings, _KILL_SWITCH, change, KillSwitch, KillSwitch())


async def policy_settings(settings: SettingsStore) -> tuple[PolicySettings, int]:
    """Return what is stored now and its version; version 0 are the defaults.

    Raises:
        Unavailable: it cannot be read: the caller must not act.
    """
    stored = await settings.read(_POLICY)
    if stored is None:
        return PolicySettings(), 0
    return _read(PolicySettings, _POLICY, stored.value), stored.version


async def change_policy_settings(
    settings: SettingsStore, change: Callable[[PolicySettings], PolicySettings]
) -> tuple[PolicySettings, int]:
    """Apply ``change``; the result holds for every decision from now on."""
    await _change(settings, _POLICY, change, PolicySettings, PolicySettings())
    return await policy_settings(settings)


async def _change(
    settings: SettingsStore, name: str, change: Callable[[_M], _M], model: type[_M], at_first: _M
) -> _M:
    for _ in range(_MAX_TRIES):
        stored = await settings.read(name)
        changed = change(_read(model, name, stored.value) if stored else at_first)
        try:
            await settings.write(
                name,
                changed.model_dump(mode="json"),
                expected_version=stored.version if stored else 0,
            )
        except VersionConflict:
            continue  # somebody else wrote in between: apply it to what they wrote
        return changed
    raise Unavailable(f"the setting {name!r} is being changed by many at once; try again")


def _read(model: type[_M], name: str, value: dict[str, object]) -> _M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Unavailable(f"the stored setting {name!r} makes no sense; write it again") from error
