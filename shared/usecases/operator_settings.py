"""What operators switch while the system runs: mode, threshold, kill switch, limits."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator

from shared.domain.analysis import Action
from shared.domain.audit import AuditNote
from shared.domain.errors import InvalidInput, PreconditionFailed, Unavailable, VersionConflict
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

_MAX_SWITCHES = 200
_SCOPE = (
    r"^(global|(environment|target):[^\s]([^\r\n]{0,250}[^\s])?|"
    rf"action:({'|'.join(Action)}))$"
)

_M = TypeVar("_M", bound=BaseModel)


class ExecutionMode(Model):
    """``auto`` acts alone within policy, ``hil`` (human in the loop) always asks."""

    mode: Literal["auto", "hil"]
    confidence_threshold: float = Field(ge=0, le=1)


class KillSwitch(Model):
    """While ``on``, nothing is sent; intake, tickets and monitoring go on.

    ``scope``: ``global``, or what it stops: ``environment:NAME``, ``target:NAME`` (a pipeline
    or job) or ``action:NAME``; names are compared in any case.
    """

    scope: str = Field(default="global", max_length=300, json_schema_extra={"pattern": _SCOPE})
    on: bool = False
    reason: str = Field(default="", max_length=500)

    @field_validator("scope")
    @classmethod
    def _is_a_scope(cls, scope: str) -> str:
        # One that names nothing there is would be believed to stop something.
        if re.fullmatch(_SCOPE, scope) is None:
            raise ValueError(
                "must be global, environment:NAME, target:NAME or action:NAME of a known action"
            )
        return scope

    def stops(self, *, environment: str | None, targets: Collection[str], action: Action) -> bool:
        """Tell whether it stops this.

        A failure whose environment nobody knows may be of any.

        Args:
            targets: All the names the pipeline or job has.
        """
        kind, _, name = self.scope.partition(":")
        its = {
            "environment": (environment or name,),
            "target": tuple(targets),
            "action": (str(action),),
        }.get(kind, (name,))
        return self.on and name.casefold() in {one.casefold() for one in its}


class KillSwitches(KillSwitch):
    """The switch for everything, and the narrower ones that are on."""

    scope: Literal["global"] = "global"
    others: tuple[KillSwitch, ...] = ()

    def stopping(
        self, *, environment: str | None, targets: Collection[str], action: Action
    ) -> KillSwitch | None:
        """Return a switch that stops this, the widest first."""
        return next(
            (
                one
                for one in (self, *self.others)
                if one.stops(environment=environment, targets=targets, action=action)
            ),
            None,
        )

    def of(self, scope: str) -> KillSwitch:
        """Return the switch of ``scope``."""
        if scope.casefold() == "global":
            return KillSwitch(on=self.on, reason=self.reason)
        known = (one for one in self.others if one.scope.casefold() == scope.casefold())
        return next(known, KillSwitch(scope=scope))

    def with_one(self, switch: KillSwitch) -> "KillSwitches":
        """Return all of them after ``switch`` was turned.

        Raises:
            InvalidInput: there are too many.
        """
        if switch.scope == "global":
            return self.model_copy(update={"on": switch.on, "reason": switch.reason})
        same = switch.scope.casefold()
        others = tuple(one for one in self.others if one.scope.casefold() != same)
        others = (*others, switch) if switch.on else others
        if len(others) > _MAX_SWITCHES:
            raise InvalidInput(f"at most {_MAX_SWITCHES} switches can be on", field="scope")
        return self.model_copy(update={"others": others})


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


async def kill_switch(settings: SettingsStore) -> KillSwitches:
    """Return the kill switch as stored at this moment, with those of narrower scope.

    Raises:
        Unavailable: it cannot be read: the caller must not act.
    """
    stored = await settings.read(_KILL_SWITCH)
    return KillSwitches() if stored is None else _read(KillSwitches, _KILL_SWITCH, stored.value)


async def change_kill_switch(
    settings: SettingsStore,
    change: Callable[[KillSwitch], KillSwitch],
    *,
    scope: str = "global",
    actor: str = "system",
) -> KillSwitches:
    """Apply ``change`` to the switch of ``scope``; it holds for every send that has not left yet.

    Raises:
        InvalidInput: too many switches would be on.
    """
    reason = ""

    def turn(switches: KillSwitches) -> KillSwitches:
        nonlocal reason
        turned = change(switches.of(scope))
        reason = turned.reason
        return switches.with_one(turned)

    named = _Named(_KILL_SWITCH, KillSwitches, KillSwitches())
    return await _change(settings, named, turn, actor, reason_of=lambda _: reason)


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
    seen: int | None = None,
) -> tuple[PolicySettings, int]:
    """Apply ``change``; the result holds for every decision from now on.

    Args:
        seen: The version that the caller has looked at; ``None``: it does not matter.

    Raises:
        PreconditionFailed: somebody has changed it since.
    """
    named = _Named(_POLICY, PolicySettings, PolicySettings())
    await _change(settings, named, change, actor, seen=seen)
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
    settings: SettingsStore,
    named: _Named[_M],
    change: Callable[[_M], _M],
    actor: str,
    reason_of: Callable[[_M], str] = lambda _: "",
    *,
    seen: int | None = None,
) -> _M:
    for _ in range(_MAX_TRIES):
        stored = await settings.read(named.name)
        version = stored.version if stored else 0
        if seen is not None and seen != version:
            raise PreconditionFailed(f"it is version {version} by now; look at it again")
        before = _read(named.model, named.name, stored.value) if stored else named.at_first
        changed = change(before)
        try:
            await settings.write(
                named.name,
                changed.model_dump(mode="json"),
                expected_version=version,
                note=AuditNote(actor=actor, action="settings.changed", reason=reason_of(changed)),
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
