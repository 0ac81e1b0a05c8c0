"""Which data factory an alert is about: the ``scope`` of every ADF resource.

The scope is the factory's Azure resource id in lower case, because Azure compares ids
without regard to case and its own services change it at will.
"""

import re
from dataclasses import dataclass

from shared.domain.errors import InvalidInput
from shared.intake.fields import Found, read_label
from shared.intake.normalised import IntakeDefaults
from shared.intake.text import one_line

_FACTORY_ID = re.compile(
    r"/subscriptions/([\w-]{1,128})/resourcegroups/([\w(][\w().-]{0,89})"
    r"/providers/microsoft\.datafactory/factories/([\w-]{1,128})(?:/.*)?",
    re.IGNORECASE,
)
_MAX_ID_CHARS = 1_024


@dataclass(frozen=True, slots=True)
class Factory:
    """A data factory as far as somebody named it; names keep their spelling."""

    subscription_id: str | None
    resource_group: str | None
    name: str

    @property
    def scope(self) -> str:
        """The lower-case resource id; ``/factories/<name>`` if the rest is not known."""
        if self.subscription_id and self.resource_group:
            return (
                f"/subscriptions/{self.subscription_id}/resourcegroups/{self.resource_group}"
                f"/providers/microsoft.datafactory/factories/{self.name}"
            ).lower()
        return f"/factories/{self.name}".lower()


def parse_factory_id(resource_id: str) -> Factory | None:
    """Return the factory that an Azure resource id names, or one of its children names."""
    found = _FACTORY_ID.fullmatch(resource_id.strip())
    return Factory(*found.groups()) if found else None


def read_factory_id(found: Found) -> Factory:
    """Return the factory named by a full resource id.

    Raises:
        InvalidInput: not text, or not the id of a data factory.
    """
    text = read_label(found, limit=_MAX_ID_CHARS)
    factory = parse_factory_id(text)
    if factory is None:
        raise InvalidInput(
            f"{found.path} is {one_line(text, 80)!r}; it must be /subscriptions/…/resourceGroups/…"
            "/providers/Microsoft.DataFactory/factories/…",
            field=found.path,
        )
    return factory


def locate(
    name: str | None,
    defaults: IntakeDefaults,
    *,
    subscription_id: str | None = None,
    resource_group: str | None = None,
) -> tuple[Factory | None, list[str]]:
    """Complete what the sender said about the factory with the defaults.

    Returns:
        The factory, or ``None`` if neither side names one; and notes about what was taken
        from the defaults although the sender may have meant something else.
    """
    chosen = name or _given(defaults.adf_factory)
    if chosen is None:
        return None, []
    factory = Factory(
        subscription_id or _given(defaults.adf_subscription_id),
        resource_group or _given(defaults.adf_resource_group),
        chosen,
    )
    if not (factory.subscription_id and factory.resource_group):
        return factory, ["the factory's subscription or resource group is not known"]
    if name is None:
        return factory, ["the body names no factory; the default one is used"]
    guessed = subscription_id is None or resource_group is None
    if guessed and name.casefold() != (_given(defaults.adf_factory) or name).casefold():
        return factory, [f"factory {name} is taken to be in the default resource group"]
    return factory, []


def _given(setting: str | None) -> str | None:
    return (setting or "").strip() or None
