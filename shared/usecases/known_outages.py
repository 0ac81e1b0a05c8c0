"""Outages that the platform itself has told of: a reason to wait, never one to act."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from shared.domain.alert import Outage, Platform
from shared.domain.audit import AuditNote
from shared.domain.errors import Unavailable, VersionConflict
from shared.domain.model import Model
from shared.ports.settings import SettingsStore

_NAME = "known-outages"
_MAX_KEPT = 50
_MAX_TRIES = 20
# An end that was never told must not stop us for ever.
_LONGEST = timedelta(hours=24)
# Words of the service's name as Azure Service Health writes it.
_WORDS = {Platform.ADF: "data factory", Platform.DATABRICKS: "databricks"}
_STOPPING = {"incident"}


class Outages(Model):
    """All that are known, the newest last."""

    outages: tuple[Outage, ...] = ()


async def known_outages(settings: SettingsStore) -> tuple[Outage, ...]:
    """Return what has been told, over or not."""
    stored = await settings.read(_NAME)
    if stored is None:
        return ()
    try:
        return Outages.model_validate(stored.value).outages
    except ValidationError:  # what cannot be read stops nothing: it only ever made us wait
        return ()


async def note_outage(outage: Outage, source: str, settings: SettingsStore) -> None:
    """Keep what is told about an outage; a later word on the same one replaces the earlier.

    Raises:
        Unavailable: too many write at once; the sender should send again.
    """
    note = AuditNote(actor=source, action="outage.noted", reason=outage.title)
    for _ in range(_MAX_TRIES):
        stored = await settings.read(_NAME)
        known = await known_outages(settings)
        others = [one for one in known if one.tracking_id != outage.tracking_id]
        changed = Outages(outages=(*others, outage)[-_MAX_KEPT:])
        try:
            await settings.write(
                _NAME,
                changed.model_dump(mode="json"),
                expected_version=stored.version if stored else 0,
                note=note,
            )
        except VersionConflict:
            continue
        return
    raise Unavailable("the known outages are being changed by many at once; send again")


async def outage_of(platform: Platform, settings: SettingsStore, now: datetime) -> str:
    """Return the title of an outage of ``platform`` that goes on; empty if there is none."""
    word = _WORDS.get(platform)
    for outage in reversed(await known_outages(settings)):
        over = outage.until is not None and outage.until <= now
        fresh = outage.since > now - _LONGEST
        stops = outage.kind.casefold() in _STOPPING
        if word and outage.active and stops and fresh and not over and _is_of(outage, word):
            return outage.title or outage.tracking_id
    return ""


def _is_of(outage: Outage, word: str) -> bool:
    return any(word in service.casefold() for service in outage.services)
