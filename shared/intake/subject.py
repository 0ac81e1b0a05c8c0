"""What is the alert of a general monitoring system about?

Such systems know nothing of pipelines and jobs: whoever wrote the rule may have said it in
labels. If the labels name a pipeline or a job, and where it lives is known, Mend can read
its runs; otherwise the alert is about what its rule is called, and a person looks at it.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from shared.domain.alert import Platform, Resource, TimeWindow
from shared.domain.errors import InvalidInput
from shared.intake.factory import Factory, locate, read_factory_id
from shared.intake.fields import Found, JsonObject, read_id, read_label, read_name
from shared.intake.labels import MAX_NAME_CHARS
from shared.intake.normalised import IntakeDefaults
from shared.intake.text import one_line
from shared.intake.times import window_around

_PIPELINE = ("pipeline", "pipeline_name", "adf_pipeline")
_FACTORY = ("factory", "factory_name", "data_factory", "data_factory_name")
_FACTORY_ID = ("data_factory_id", "factory_id")
_JOB = ("databricks_job", "databricks_job_name")
# Of other schedulers, too: a job of Databricks only together with the id of a run.
_MAYBE_JOB = ("job_name", "job_id")
_PLAIN_JOB = ("job",)
_WORKSPACE = ("workspace", "workspace_url", "workspace_host", "databricks_host")
_RUN_ID = ("run_id",)
_PIPELINE_RUN_ID = ("pipeline_run_id", "run_id")
_PLATFORM = ("platform",)

_HOST = re.compile(
    r"(?:[a-z0-9-]{1,63}\.){1,10}[a-z0-9-]{1,63}(?::\d{1,5})?|localhost(?::\d{1,5})?"
)
_PLATFORMS = {
    "adf": Platform.ADF,
    "datafactory": Platform.ADF,
    "azuredatafactory": Platform.ADF,
    "databricks": Platform.DATABRICKS,
    "azuredatabricks": Platform.DATABRICKS,
    "other": Platform.OTHER,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about.

    Attributes:
        window: Where to look for the run, if the resource has runs and names none.
    """

    resource: Resource
    window: TimeWindow | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """How an alert is called if its labels name nothing better."""

    source: str
    name: str


def read_subject(
    labels: JsonObject,
    named: Named,
    defaults: IntakeDefaults,
    occurred_at: datetime,
    *,
    plain_job: bool = False,
) -> Subject:
    """Return the pipeline or job that ``labels`` name, else the alert itself.

    Args:
        labels: What the rule's author added; a bad label becomes a note.
        named: Who sent the alert, and what the sender calls it.
        defaults: Where a pipeline or job lives that is not placed by its labels.
        occurred_at: When the alert was raised.
        plain_job: Whether ``job`` may be a job of Databricks. In Prometheus it is what
            was scraped.
    """
    notes: list[str] = []
    platform = _read_platform(labels)
    try:
        if platform in {None, Platform.ADF} and (
            subject := read_pipeline(labels, defaults, occurred_at)
        ):
            return subject
    except InvalidInput as error:
        notes.append(f"{error}; the alert is not taken to be about a pipeline")
    sure = platform is Platform.DATABRICKS
    names = (*_JOB, *_MAYBE_JOB, *(_PLAIN_JOB if plain_job else ()))
    try:
        if platform in {None, Platform.DATABRICKS} and (
            subject := read_job(labels, defaults, occurred_at, names=names, sure=sure)
        ):
            return Subject(subject.resource, subject.window, (*notes, *subject.notes))
    except InvalidInput as error:
        notes.append(f"{error}; the alert is not taken to be about a Databricks job")
    resource = Resource(
        platform=Platform.OTHER,
        scope=named.source,
        kind="alert",
        name=one_line(named.name, MAX_NAME_CHARS),
    )
    return Subject(resource, notes=tuple(notes))


def read_pipeline(
    labels: JsonObject, defaults: IntakeDefaults, occurred_at: datetime
) -> Subject | None:
    """Return the Data Factory pipeline that ``labels`` name, ``None`` if they name none.

    Raises:
        InvalidInput: a label is bad, or it is not known where the pipeline lives.
    """
    found = _first(labels, _PIPELINE)
    if found is None:
        return None
    name = read_name(found)
    factory, notes = _read_factory(labels, defaults)
    if factory is None:
        raise InvalidInput(
            f"{found.path} names a pipeline, but no label its factory, and there is no default one",
            field=found.path,
        )
    run_id, bad_run = _read_run_id(_first(labels, _PIPELINE_RUN_ID), digits=False)
    resource = Resource(
        platform=Platform.ADF, scope=factory.scope, kind="pipeline", name=name, run_id=run_id
    )
    return _with_window(resource, occurred_at, [*notes, *bad_run])


def read_job(
    labels: JsonObject,
    defaults: IntakeDefaults,
    occurred_at: datetime,
    *,
    names: tuple[str, ...] = (*_JOB, *_MAYBE_JOB),
    sure: bool = False,
) -> Subject | None:
    """Return the Databricks job that ``labels`` name, ``None`` if they name none.

    Args:
        names: Where the job's name, or else its id, may be.
        sure: Whether a job is one of Databricks even if no run is named.

    Raises:
        InvalidInput: a label is bad, or it is not known in which workspace the job is.
    """
    found = _first(labels, names)
    run = _first(labels, _RUN_ID)
    if found is None or not (sure or run or _first(labels, _JOB)):
        return None
    name = read_id(found) if isinstance(found.value, int) else read_name(found)
    run_id, bad_run = _read_run_id(run, digits=True)
    if bad_run and not (sure or _first(labels, _JOB)):
        raise InvalidInput(bad_run[0], field=found.path)
    resource = Resource(
        platform=Platform.DATABRICKS,
        scope=_read_workspace(labels, defaults, found),
        kind="job",
        name=name,
        run_id=run_id,
    )
    return _with_window(resource, occurred_at, bad_run)


def _with_window(resource: Resource, occurred_at: datetime, notes: list[str]) -> Subject:
    window = None if resource.run_id else window_around(occurred_at)
    return Subject(resource, window, tuple(notes))


def _read_platform(labels: JsonObject) -> Platform | None:
    found = next(iter(labels.find_all(*_PLATFORM)), None)
    if found is None or not isinstance(found.value, str):
        return None
    return _PLATFORMS.get(re.sub(r"[\s_-]", "", found.value[:MAX_NAME_CHARS]).casefold())


def _read_factory(labels: JsonObject, defaults: IntakeDefaults) -> tuple[Factory | None, list[str]]:
    resource_id = _first(labels, _FACTORY_ID)
    name = _first(labels, _FACTORY)
    if name is not None and isinstance(name.value, str) and name.value.strip().startswith("/"):
        resource_id = name
    if resource_id is not None:
        return read_factory_id(resource_id), []
    subscription = _first(labels, ("subscription_id",))
    group = _first(labels, ("resource_group",))
    return locate(
        read_id(name) if name else None,
        defaults,
        subscription_id=read_id(subscription) if name and subscription else None,
        resource_group=read_id(group) if name and group else None,
    )


def _read_workspace(labels: JsonObject, defaults: IntakeDefaults, job: Found) -> str:
    found = _first(labels, _WORKSPACE)
    if found is None:
        if defaults.databricks_scope:
            return defaults.databricks_scope
        raise InvalidInput(
            f"{job.path} names a job, but no label its workspace, and there is no default one; "
            "set MEND_DATABRICKS_HOST",
            field=job.path,
        )
    text = read_label(found).casefold().removeprefix("https://").removeprefix("http://")
    host = text.partition("/")[0]
    if _HOST.fullmatch(host) is None:
        raise InvalidInput(
            f"{found.path} is {one_line(text, 60)!r}; it must be a workspace's host name",
            field=found.path,
        )
    return host


def _read_run_id(found: Found | None, *, digits: bool) -> tuple[str | None, list[str]]:
    if found is None:
        return None, []
    try:
        run_id = read_id(found)
    except InvalidInput as error:
        return None, [f"{error}; the run is not known"]
    if digits and not (run_id.isascii() and run_id.isdigit()):
        what = f"{found.path} is {one_line(run_id, 40)!r}; Databricks' run ids are numbers"
        return None, [f"{what}; the run is not known"]
    return run_id, []


def _first(labels: JsonObject, names: tuple[str, ...]) -> Found | None:
    """Return the label under the first of ``names`` that has one: they may differ."""
    return next((found for name in names if (found := labels.find(name))), None)
