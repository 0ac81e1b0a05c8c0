"""What operators switch while the system runs: mode, threshold, kill switch, limits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from shared.domain.audit import AuditNote
from shared.domain.errors import Unavailable, VersionConflict
from shared.domain.model import Model
from shared.intake.configuration_items import Inventory
from shared.intake.mapping import GenericMapping
from shared.policy.settings import PolicySettings
from shared.ports.settings import SettingsStore

_MODE = "execution-mode"
_KILL_SWITCH = "kill-switch"
_POLICY = "policy"
_INVENTORY = "inventory"
_GENERIC = "generic-mapping"

_MAX_TRIES = 20

_M = TypeVar("_M", bound=BaseModel)


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
    actor: str = "system",
) -> ExecutionMode:
    """Apply ``change`` and return the mode that decisions use from now on."""
    named = _Named(_MODE, ExecutionMode, at_first)
    return await _change(settings, named, change, actor)


async def kill_switch(settings: SettingsStore) -> KillSwitch:
    """Return the kill switch as stored at this moment.

    Raises:
        Unavailable: it cannot be read: the caller must not act.
    """
    stored = await settings.read(_KILL_SWITCH)
    return KillSwitch() if stored is None else _read(KillSwitch, _KILL_SWITCH, stored.value)


async def change_kill_switch(
    settings: SettingsStore, change: Callable[[KillSwitch], KillSwitch], *, actor: str = "system"
) -> KillSwitch:
    """Apply ``change``; the result holds for every send that has not left yet."""
    named = _Named(_KILL_SWITCH, KillSwitch, KillSwitch())
    return await _change(settings, named, change, actor)


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
    settings: SettingsStore,
    change: Callable[[PolicySettings], PolicySettings],
    *,
    actor: str = "system",
) -> tuple[PolicySettings, int]:
    """Apply ``change``; the result holds for every decision from now on."""
    await _change(settings, _Named(_POLICY, PolicySettings, PolicySettings()), change, actor)
    return await policy_settings(settings)


async def inventory(settings: SettingsStore) -> Inventory:
    """Return the servers and other things that are known by name.

    Raises:
        Unavailable: it cannot be read.
    """
    stored = await settings.read(_INVENTORY)
    return Inventory() if stored is None else _read(Inventory, _INVENTORY, stored.value)


async def change_inventory(
    settings: SettingsStore, change: Callable[[Inventory], Inventory], *, actor: str = "system"
) -> Inventory:
    """Apply ``change``; the result holds for every ticket from now on."""
    return await _change(settings, _Named(_INVENTORY, Inventory, Inventory()), change, actor)


async def generic_mapping(settings: SettingsStore) -> GenericMapping | None:
    """Return where the source ``generic`` finds its fields; ``None``: under the usual names.

    Raises:
        Unavailable: it cannot be read.
    """
    stored = await settings.read(_GENERIC)
    return None if stored is None else _read(GenericMapping, _GENERIC, stored.value)


async def change_generic_mapping(
    settings: SettingsStore,
    change: Callable[[GenericMapping], GenericMapping],
    *,
    actor: str = "system",
) -> GenericMapping:
    """Apply ``change``; the result holds for every alert from now on."""
    named = _Named(_GENERIC, GenericMapping, GenericMapping())
    return await _change(settings, named, change, actor)


@dataclass(frozen=True, slots=True)
class _Named(Generic[_M]):
    """A setting's name, its shape, and what it is until somebody writes it."""

    name: str
    model: type[_M]
    at_first: _M


async def _change(
    settings: SettingsStore, named: _Named[_M], change: Callable[[_M], _M], actor: str
) -> _M:
    for _ in range(_MAX_TRIES):
        stored = await settings.read(named.name)
        before = _read(named.model, named.name, stored.value) if stored else named.at_first
        changed = change(before)
        reason = getattr(changed, "reason", "")
        try:
            await settings.write(
                named.name,
                changed.model_dump(mode="json"),
                expected_version=stored.version if stored else 0,
                note=AuditNote(actor=actor, action="settings.changed", reason=reason),
            )
        except VersionConflict:
            continue  # somebody else wrote in between: apply it to what they wrote
        return changed
    raise Unavailable(f"the setting {named.name!r} is being changed by many at once; try again")


def _read(model: type[_M], name: str, value: dict[str, object]) -> _M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Unavailable(f"the stored setting {name!r} makes no sense; write it again") from error
