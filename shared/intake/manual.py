"""A ticket that a person or a script asks for, in our own words."""

import json
from datetime import datetime
from typing import Annotated

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from shared.domain.alert import Alert, Platform, Resource, Severity
from shared.domain.errors import InvalidInput
from shared.domain.model import Model
from shared.domain.moment import Moment
from shared.intake.body import parse_json
from shared.intake.factory import locate, parse_factory_id
from shared.intake.fields import Found, read_id, read_name
from shared.intake.normalised import IntakeDefaults, Normalised
from shared.intake.text import many_lines, one_line

SOURCE = "manual"
MAX_TITLE_CHARS = 200
MAX_DESCRIPTION_CHARS = 8_000

_Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=260)]


def _as_text(value: object) -> object:
    """Return a number as text: Databricks counts its runs."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


_RunId = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(max_length=128, json_schema_extra={"type": ["string", "integer"]}),
]


class NamedResource(Model):
    """What failed, in the words in which a ticket shows it.

    ``scope`` is the factory (its name or resource id) or the workspace's host; without it, the
    default one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    platform: Platform
    scope: str | None = Field(default=None, max_length=1_024)
    kind: _Label | None = None
    name: _Label
    run_id: _RunId | None = None

    def spelled_out(self) -> dict[str, str | None]:
        """Return the fields of :class:`NewTicket` that say the same."""
        match self.platform:
            case Platform.ADF:
                return {"pipeline": self.name, "factory": self.scope, "run_id": self.run_id}
            case Platform.DATABRICKS:
                return {"job": self.name, "workspace": self.scope, "run_id": self.run_id}
        return {}


class NewTicket(Model):
    """What to open a ticket for: a pipeline, a job, or anything else with a title.

    With a pipeline or job, and best with its run, Mend reads what happened and heals what it
    may; of anything else it keeps the story. ``resource`` says the same in a ticket's own words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE_CHARS)
    ]
    description: str = Field(default="", max_length=MAX_DESCRIPTION_CHARS)
    severity: Severity = Severity.HIGH
    environment: _Label | None = None
    service: _Label | None = None
    ci: tuple[_Label, ...] = Field(default=(), max_length=20)
    pipeline: _Label | None = None
    factory: str | None = Field(default=None, max_length=1_024)
    job: _Label | None = None
    workspace: str | None = Field(default=None, max_length=260)
    run_id: _RunId | None = None
    platform: Platform | None = None
    resource: NamedResource | None = None
    occurred_at: Moment | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "NewTicket":
        if self.pipeline and self.job:
            raise ValueError("pipeline and job exclude each other")
        if self.run_id and not (self.pipeline or self.job):
            raise ValueError("run_id goes with pipeline or job")
        if self.resource and (self.pipeline or self.job):
            raise ValueError("resource excludes pipeline and job: it says the same")
        if self.platform and self.platform is not self._own_platform:
            raise ValueError(f"platform is {self.platform}, but it is about {self._own_platform}")
        return self

    @property
    def _own_platform(self) -> Platform:
        if self.resource is not None:
            return self.resource.platform
        if self.pipeline:
            return Platform.ADF
        return Platform.DATABRICKS if self.job else Platform.OTHER


def read_new_ticket(raw: bytes) -> NewTicket:
    """Return what the body of ``POST v1/tickets`` asks for.

    Raises:
        InvalidInput: it is not such a body; ``field`` says where.
    """
    body = parse_json(raw)
    if not isinstance(body, dict):
        raise InvalidInput("must be a JSON object")
    return new_ticket(body)


def new_ticket(fields: dict[str, object]) -> NewTicket:
    """Return the ticket that ``fields`` ask for.

    Raises:
        InvalidInput: one of them is wrong; ``field`` says which.
    """
    try:
        return NewTicket.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        text = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(f"{field}: {text}", field=field) from None


def alert_of(
    asked: NewTicket, defaults: IntakeDefaults, received_at: datetime, *, source: str = SOURCE
) -> Alert:
    """Return it as an alert.

    Raises:
        InvalidInput: nobody can tell in which factory or workspace it is.
    """
    if asked.resource is not None:
        asked = asked.model_copy(update=asked.resource.spelled_out())
    resource, notes = _resource(asked, defaults, source)
    return Alert(
        source=source,
        resource=resource,
        title=one_line(asked.title, MAX_TITLE_CHARS),
        description=many_lines(asked.description, MAX_DESCRIPTION_CHARS),
        severity=asked.severity,
        environment=asked.environment and one_line(asked.environment, 260),
        service=asked.service and one_line(asked.service, 260),
        ci=tuple(one_line(item, 260) for item in asked.ci),
        occurred_at=asked.occurred_at or received_at,
        notes=tuple(notes),
    )


def normalised(asked: NewTicket, defaults: IntakeDefaults, received_at: datetime) -> Normalised:
    """Return it as if a sender had posted it.

    Raises:
        InvalidInput: as :func:`alert_of`.
    """
    return Normalised(alerts=(alert_of(asked, defaults, received_at),))


def _resource(
    asked: NewTicket, defaults: IntakeDefaults, source: str
) -> tuple[Resource, list[str]]:
    run_id = read_id(Found(asked.run_id, "run_id")) if asked.run_id else None
    if asked.pipeline:
        scope, notes = _factory(asked, defaults)
        name = read_name(Found(asked.pipeline, "pipeline"))
        return Resource(
            platform=Platform.ADF, scope=scope, kind="pipeline", name=name, run_id=run_id
        ), notes
    if asked.job:
        name = read_name(Found(asked.job, "job"))
        return Resource(
            platform=Platform.DATABRICKS,
            scope=_workspace(asked, defaults),
            kind="job",
            name=name,
            run_id=run_id,
        ), []
    title = one_line(asked.title, MAX_TITLE_CHARS)
    if not title:
        raise InvalidInput("title has no visible character", field="title")
    named = asked.resource
    if named is not None and not one_line(named.name, 260):
        raise InvalidInput("resource.name has no visible character", field="resource.name")
    if named is None:
        return Resource(platform=Platform.OTHER, scope=source, kind="alert", name=title), []
    return Resource(
        platform=Platform.OTHER,
        scope=one_line(named.scope or source, MAX_TITLE_CHARS),
        kind=one_line(named.kind or "alert", MAX_TITLE_CHARS),
        name=one_line(named.name, 260),
    ), []


def _factory(asked: NewTicket, defaults: IntakeDefaults) -> tuple[str, list[str]]:
    named = asked.factory
    if named and named.strip().startswith("/"):
        factory = parse_factory_id(named)
        if factory is None:
            raise InvalidInput("factory is not the id of a data factory", field="factory")
        return factory.scope, []
    located, notes = locate(read_id(Found(named, "factory")) if named else None, defaults)
    if located is None:
        raise InvalidInput(
            "factory is missing and there is no default one; send its name or resource id",
            field="factory",
        )
    return located.scope, notes


def _workspace(asked: NewTicket, defaults: IntakeDefaults) -> str:
    host = (asked.workspace or defaults.databricks_scope).strip().casefold()
    host = host.removeprefix("https://").removeprefix("http://").partition("/")[0]
    if not host:
        raise InvalidInput(
            "workspace is missing and there is no default one; send its host", field="workspace"
        )
    return read_name(Found(host, "workspace"))
