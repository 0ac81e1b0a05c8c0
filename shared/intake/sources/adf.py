"""Azure Data Factory: the body a Web or WebHook activity posts on the failure path.

The pipeline's author writes this body, so only a pipeline name and a run id are relied on,
in any usual spelling. Everything else may be absent. ``callBackUri``, which a WebHook
activity adds, is a secret: it is never read.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Alert, Platform, Resource
from shared.domain.errors import InvalidInput
from shared.intake.body import NotJson, decode, parse_text
from shared.intake.factory import Factory, locate, read_factory_id
from shared.intake.fields import (
    Found,
    JsonObject,
    is_expression,
    optional_label,
    read_code,
    read_id,
    read_label,
    read_list,
    read_name,
    read_text,
    wrong_type,
)
from shared.intake.normalised import IntakeDefaults, Normalised, collect
from shared.intake.recovery import recover
from shared.intake.severity import read_severity
from shared.intake.text import many_lines, one_line
from shared.intake.times import read_occurred_at

SOURCE = "adf"

MAX_MESSAGE_CHARS = 8_000
MAX_TITLE_CHARS = 200

# The first spelling is the one our answers recommend. Case and "_" do not matter.
_PIPELINE = ("pipelineName", "pipeline")
_RUN_ID = ("runId", "pipelineRunId")
_FACTORY = ("dataFactoryName", "factoryName", "dataFactory", "factory")
_FACTORY_ID = ("dataFactoryId", "resourceId")
_SUBSCRIPTION = ("subscriptionId",)
_RESOURCE_GROUP = ("resourceGroup", "resourceGroupName")
_ACTIVITY = ("activityName", "activity", "failedActivity")
_ERROR_TEXT = ("message", "errorMessage", "error")
_ERROR_CODE = ("errorCode",)
# Not triggerTime: that is when the run was asked for, maybe hours before it failed.
_FAILED_AT = ("failedAt", "occurredAt", "timestamp")
_TRIGGER_LABELS = ("triggerName", "triggerTime", "failureType")

_HINTS = {
    _PIPELINE: '; send "pipelineName": "@{pipeline().Pipeline}"',
    _RUN_ID: '; send "runId": "@{pipeline().RunId}"',
}
_BY_HAND = {"manual", "sandbox", "debug"}


@dataclass(frozen=True, slots=True)
class _Failure:
    """What the body says about the error."""

    text: str = ""
    code: str = ""
    activity: str = ""


def normalise(raw: bytes, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return an alert per JSON object in the body.

    Raises:
        InvalidInput: no usable alert in it; ``field`` says where the trouble is.
    """
    text = decode(raw)
    try:
        value = parse_text(text)
    except NotJson as error:
        return _normalise_broken(text, error, defaults, received_at)
    whole = Found(value, "")
    objects = read_list(whole) if isinstance(value, list) else [whole]

    def read(found: Found) -> Alert:
        return _read_alert(JsonObject(found.value, found.path), defaults, received_at)

    return collect(objects, read)


def _normalise_broken(
    text: str, error: NotJson, defaults: IntakeDefaults, received_at: datetime
) -> Normalised:
    members = recover(text, error)
    try:
        body = JsonObject.of_pairs(((name, Found(value, name)) for name, value in members), path="")
        _refuse_unidentified(body)
        alert = _read_alert(body, defaults, received_at)
    except InvalidInput as refusal:
        raise InvalidInput(f"{error}; and {refusal}", field=refusal.field) from error
    note = f"the body was {error}; its simple fields were read one by one"
    return Normalised(alerts=(alert.model_copy(update={"notes": (note, *alert.notes)}),))


def _refuse_unidentified(body: JsonObject) -> None:
    missing = [names[0] for names in (_RUN_ID, _PIPELINE) if body.find(*names) is None]
    if missing:
        raise InvalidInput(f"{' and '.join(missing)} could not be recovered", field=missing[0])


def _read_alert(body: JsonObject, defaults: IntakeDefaults, received_at: datetime) -> Alert:
    run_id = read_id(body.require(*_RUN_ID, hint=_HINTS[_RUN_ID]))
    pipeline = read_name(body.require(*_PIPELINE, hint=_HINTS[_PIPELINE]))
    factory, notes = _read_factory(body, defaults)
    failure = _read_failure(body)
    description, cut = _read_description(failure.text)
    severity, unknown_word = read_severity(_optional_code(body.find("severity")))
    occurred_at, no_time = _read_failed_at(body, received_at)
    notes += [*cut, *unknown_word, *no_time, *_read_trigger(body)]
    return Alert(
        source=SOURCE,
        resource=Resource(
            platform=Platform.ADF,
            scope=factory.scope,
            kind="pipeline",
            name=pipeline,
            run_id=run_id,
        ),
        title=one_line(f"Pipeline {pipeline} failed in {factory.name}", MAX_TITLE_CHARS),
        description=description,
        severity=severity,
        environment=optional_label(body.find("environment", "env")),
        service=optional_label(body.find("service")),
        occurred_at=occurred_at,
        error_code=failure.code,
        error_activity=failure.activity,
        notes=tuple(notes),
    )


def _read_factory(body: JsonObject, defaults: IntakeDefaults) -> tuple[Factory, list[str]]:
    name = body.find(*_FACTORY)
    resource_id = body.find(*_FACTORY_ID)
    if name is not None and isinstance(name.value, str) and name.value.strip().startswith("/"):
        name, resource_id = None, name
    subscription = body.find(*_SUBSCRIPTION)
    group = body.find(*_RESOURCE_GROUP)
    if resource_id is not None:
        factory = read_factory_id(resource_id)
        _must_agree(name, factory.name, resource_id.path)
        _must_agree(subscription, factory.subscription_id, resource_id.path)
        _must_agree(group, factory.resource_group, resource_id.path)
        return factory, []
    located, notes = locate(
        read_id(name) if name else None,
        defaults,
        subscription_id=read_id(subscription) if subscription else None,
        resource_group=read_id(group) if group else None,
    )
    if located is None:
        path = body.path_of(_FACTORY[0])
        raise InvalidInput(
            f"{path} is missing and there is no default factory; "
            'send "dataFactoryName": "@{pipeline().DataFactory}"',
            field=path,
        )
    return located, notes


def _must_agree(said: Found | None, named: str | None, by: str) -> None:
    if said is not None and read_id(said).casefold() != (named or "").casefold():
        raise InvalidInput(f"{said.path} and {by} name different factories", field=said.path)


def _read_failure(body: JsonObject) -> _Failure:
    """Gather text, code and activity from wherever the author put them; the top level wins."""
    texts: list[str] = []
    codes = [body.find(*_ERROR_CODE)]
    activities = [body.find(*_ACTIVITY)]
    for found in body.find_all(*_ERROR_TEXT):
        if isinstance(found.value, str):
            texts.append(found.value)
        elif isinstance(found.value, dict):
            error = JsonObject(found.value, found.path)
            texts.append(read_text(error.find("message")))
            codes.append(error.find("errorCode", "code"))
            activities.append(error.find("target"))
            optional_label(error.find("failureType"))
        else:
            raise wrong_type(found.value, "text or an error object", found.path)
    code = next((found for found in codes if found), None)
    activity = next((found for found in activities if found), None)
    return _Failure(
        text=next((text for text in texts if text.strip()), ""),
        code=_optional_code(code) or "",
        activity=optional_label(activity) or "",
    )


def _read_description(text: str) -> tuple[str, list[str]]:
    # Invisible characters go first, but of a long text only the part that can matter.
    description = many_lines(text[: 2 * MAX_MESSAGE_CHARS], MAX_MESSAGE_CHARS)
    notes = []
    if len(text) > MAX_MESSAGE_CHARS:
        notes.append(f"the message had {len(text)} characters; the first 8 000 are kept")
    if is_expression(text.strip()) and text.strip().startswith("@"):
        notes.append("the message is an expression that Data Factory did not evaluate")
    return description, notes


def _read_failed_at(body: JsonObject, received_at: datetime) -> tuple[datetime, list[str]]:
    for name in _FAILED_AT:
        found = body.find(name)
        if found is not None:
            return read_occurred_at(found.path, found.value, received_at)
    return read_occurred_at(_FAILED_AT[0], None, received_at)


def _read_trigger(body: JsonObject) -> list[str]:
    """Check what is said about the trigger; who started a run is read from Data Factory."""
    for name in _TRIGGER_LABELS:
        optional_label(body.find(name))
    if group_id := body.find("groupId"):
        read_id(group_id)
    kind = body.find("triggerType")
    if kind is not None and read_label(kind).casefold() in _BY_HAND:
        return [f"triggerType is {read_label(kind)}: started by hand, maybe a debug run"]
    return []


def _optional_code(found: Found | None) -> str | None:
    return None if found is None else read_code(found)
