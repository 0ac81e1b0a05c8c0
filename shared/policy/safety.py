"""What a pipeline's definition shows about running it again.

Only what is certain from the definition counts: one activity that could be anything, and the
whole is unknown. Facts: Microsoft Learn, "Copy activity", "Azure SQL Database connector"
(writeBehavior, preCopyScript) and the file connectors (a file of the same name is overwritten).
"""

from collections.abc import Iterator, Mapping

from shared.domain.analysis import RerunSafety

_HARMLESS = {
    "lookup",
    "getmetadata",
    "wait",
    "setvariable",
    "appendvariable",
    "filter",
    "fail",
    "validation",
    "delete",
}
_CONTAINERS = {"foreach", "ifcondition", "until", "switch"}
_BRANCHES = ("activities", "ifTrueActivities", "ifFalseActivities", "defaultActivities")
_OVERWRITING_SINKS = (
    "parquetsink",
    "delimitedtextsink",
    "jsonsink",
    "avrosink",
    "orcsink",
    "binarysink",
    "blobsink",
)
_EMPTIES = ("truncate ", "delete from", "delete ")
_MAX_DEPTH = 10


def detect(definition: object) -> RerunSafety:
    """Return what rerunning the whole pipeline does, as far as ``definition`` shows it.

    Args:
        definition: A pipeline as Data Factory answers it, or anything.
    """
    properties = _part(definition, "properties") or definition
    kinds = {_of(activity) for activity in _activities(properties, 0)}
    if RerunSafety.FROM_FAILURE in kinds:
        return RerunSafety.FROM_FAILURE
    if not kinds or RerunSafety.UNKNOWN in kinds:
        return RerunSafety.UNKNOWN
    return RerunSafety.IDEMPOTENT


def _activities(place: object, depth: int) -> Iterator[object]:
    """Yield the activities of a pipeline or container, those inside of others too."""
    if depth > _MAX_DEPTH:
        yield None  # too deep to be understood: unknown
        return
    for branch in _BRANCHES:
        yield from _unpacked(_part(place, branch), depth)
    cases = _part(place, "cases")
    for case in cases if isinstance(cases, list) else ():
        yield from _unpacked(_part(case, "activities"), depth)


def _unpacked(activities: object, depth: int) -> Iterator[object]:
    for activity in activities if isinstance(activities, list) else ():
        if _word(activity, "type") in _CONTAINERS:
            yield from _activities(_part(activity, "typeProperties"), depth + 1)
        else:
            yield activity


def _of(activity: object) -> RerunSafety:
    kind = _word(activity, "type")
    if kind in _HARMLESS:
        return RerunSafety.IDEMPOTENT
    if kind != "copy":
        return RerunSafety.UNKNOWN
    sink = _part(_part(activity, "typeProperties"), "sink")
    if not isinstance(sink, Mapping):
        return RerunSafety.UNKNOWN
    before = _word(sink, "preCopyScript")
    if _word(sink, "writeBehavior") == "upsert" or before.lstrip().startswith(_EMPTIES):
        return RerunSafety.IDEMPOTENT
    if _word(sink, "type") in _OVERWRITING_SINKS:
        return RerunSafety.IDEMPOTENT
    # What inserts adds the same rows once more; an expression is taken for that, too.
    inserts = _word(sink, "writeBehavior") in {"", "insert"}
    known = inserts and _word(sink, "type").endswith("sink")
    return RerunSafety.FROM_FAILURE if known else RerunSafety.UNKNOWN


def _part(place: object, name: str) -> object:
    return place.get(name) if isinstance(place, Mapping) else None


def _word(place: object, name: str) -> str:
    value = _part(place, name)
    return value.lower() if isinstance(value, str) else ""
