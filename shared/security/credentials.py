"""What a sender of webhooks may show: the setting ``MEND_WEBHOOK_SECRETS``, read and checked.

A JSON object of sources, each with one credential or a list of up to three, so that an old
and a new one are believed at the same time while the sender is changed::

    {"databricks": "mend:a-long-password",
     "alertmanager": [{"type": "bearer", "token": "...", "kid": "2027"},
                      {"type": "bearer", "token": "...", "kid": "2026"}]}

Values are :class:`~pydantic.SecretStr` and appear in no message.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    model_validator,
)

from shared.domain.urls import safe_url

AZURE_MONITOR_APP = "461e8683-5575-4561-ac7f-899cc907d62a"
"""Application id of "AzNS AAD Webhook" (Microsoft Learn, "Action groups", secure webhook)."""

AZURE_MONITOR_ROLE = "ActionGroupsSecureWebhook"
"""The app role that Azure Monitor's application needs (the same page)."""

MAX_CREDENTIALS = 3
_MIN_CHARACTERS = 6
_MIN_KEY_BYTES = 8
_STANDARD_PREFIX = "whsec_"
_LOGIN = "https://login.microsoftonline.com"
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z_-]{0,23}")
_KID = re.compile(r"[A-Za-z0-9._-]{1,40}")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# RFC 9110, section 5.6.2: the characters of a field name.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_PRINTABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def _kid(value: str | None) -> str | None:
    if value is not None and not _KID.fullmatch(value):
        raise ValueError("must be 1 to 40 letters, digits, dots, dashes or underscores")
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < _MIN_CHARACTERS:
        raise ValueError(f"must have at least {_MIN_CHARACTERS} characters")
    return value


def _sendable(value: SecretStr) -> SecretStr:
    """Refuse what does not arrive in a header as it was sent."""
    if not _PRINTABLE.fullmatch(value.get_secret_value()):
        raise ValueError("must be printable ASCII without blanks at its ends")
    return _long_enough(value)


def _no_colon(value: str) -> str:
    if not value or ":" in value:
        raise ValueError("must not be empty and must have no colon (RFC 7617)")
    return value


def _header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value):
        raise ValueError("must be the name of a header")
    return value.lower()


def _guid(value: str) -> str:
    lower = value.lower()
    if not _GUID.fullmatch(lower):
        raise ValueError("must be a GUID such as 00000000-0000-4000-8000-000000000000")
    return lower


def _name(value: str) -> str:
    if len(value) > 256 or not _PRINTABLE.fullmatch(value):
        raise ValueError("must be 1 to 256 printable ASCII characters")
    return value


Kid = Annotated[str | None, AfterValidator(_kid)]
LongEnough = Annotated[SecretStr, AfterValidator(_long_enough)]
Sendable = Annotated[SecretStr, AfterValidator(_sendable)]
Guid = Annotated[str, AfterValidator(_guid)]
Name = Annotated[str, AfterValidator(_name)]
Url = Annotated[str, AfterValidator(safe_url)]


class _Credential(BaseModel):
    """Base: frozen, a misspelt field is an error, and no error quotes what was given.

    ``kid`` names the credential in logs and answers "which one is still used?".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    kind: ClassVar[str]

    kid: Kid = None


class AnyScheme(_Credential):
    """A mere string: a bearer token, the header ``X-Mend-Secret``, or ``user:password``."""

    kind: ClassVar[str] = "string"

    secret: Sendable


class Basic(_Credential):
    """HTTP Basic (RFC 7617), with the password in UTF-8."""

    kind: ClassVar[str] = "basic"

    username: Annotated[str, AfterValidator(_no_colon)]
    password: LongEnough


class Bearer(_Credential):
    """``Authorization: Bearer TOKEN`` (RFC 6750)."""

    kind: ClassVar[str] = "bearer"

    token: Sendable


class Header(_Credential):
    """A header of the sender's choice with a secret value; ``name`` is kept in lower case."""

    kind: ClassVar[str] = "header"

    name: Annotated[str, AfterValidator(_header_name)]
    value: Sendable


class Hmac(_Credential):
    """A signature over the body: HMAC-SHA256 in one of three styles.

    * ``standard``: Standard Webhooks specification 1.0. Headers ``webhook-id``,
      ``webhook-timestamp`` and ``webhook-signature``; the secret as ``whsec_BASE64`` or as text.
    * ``github``: GitHub Docs, "Validating webhook deliveries". ``X-Hub-Signature-256`` over the
      body; ``X-GitHub-Delivery`` is outside the signature, and there is no timestamp.
    * ``timestamp``: ours. ``X-Mend-Signature`` over ``timestamp.body``, ``X-Mend-Timestamp``, and
      outside the signature ``X-Mend-Delivery``.
    """

    kind: ClassVar[str] = "hmac"

    secret: SecretStr
    style: Literal["standard", "github", "timestamp"] = "standard"

    @property
    def key(self) -> bytes:
        """The key itself.

        Raises:
            ValueError: what follows ``whsec_`` is no base64.
        """
        text = self.secret.get_secret_value()
        if self.style == "standard" and text.startswith(_STANDARD_PREFIX):
            try:
                return base64.b64decode(text.removeprefix(_STANDARD_PREFIX), validate=True)
            except (binascii.Error, ValueError):
                raise ValueError("secret must be base64 after whsec_") from None
        return text.encode("utf-8")

    @model_validator(mode="after")
    def _hard_to_guess(self) -> "Hmac":
        if min(len(self.key), len(self.secret)) < _MIN_KEY_BYTES:
            raise ValueError(f"secret must have at least {_MIN_KEY_BYTES} characters")
        return self


class Entra(_Credential):
    """An access token of Entra ID for one application of one tenant.

    ``audience`` is the application id or the App ID URI of our own registration. ``issuer`` and
    ``jwks_url`` are for sovereign clouds and tests; both are https, or http on loopback.
    """

    kind: ClassVar[str] = "entra"

    tenant: Guid
    audience: Name
    app_id: Guid = AZURE_MONITOR_APP
    role: Name = AZURE_MONITOR_ROLE
    issuer: Url | None = None
    jwks_url: Url | None = None

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who may have issued the token.

        Both versions of the tenant's issuer: an application gets v1 tokens unless its manifest
        says ``requestedAccessTokenVersion: 2`` (Microsoft Learn, "Access tokens").
        """
        if self.issuer is not None:
            return (self.issuer,)
        return (f"https://sts.windows.net/{self.tenant}/", f"{_LOGIN}/{self.tenant}/v2.0")

    @property
    def keys_url(self) -> str:
        """Where the issuer shows its public keys (``jwks_uri`` of its OpenID configuration)."""
        return self.jwks_url or f"{_LOGIN}/{self.tenant}/discovery/v2.0/keys"


Credential = AnyScheme | Basic | Bearer | Header | Hmac | Entra

_KINDS: dict[str, type[Basic | Bearer | Header | Hmac | Entra]] = {
    "basic": Basic,
    "bearer": Bearer,
    "header": Header,
    "hmac": Hmac,
    "entra": Entra,
}
# Whoever has the first of these fields, and says nothing else, means this kind.
_INFERRED = {
    "username": "basic",
    "password": "basic",
    "token": "bearer",
    "name": "header",
    "header": "header",
    "value": "header",
    "tenant": "entra",
    "audience": "entra",
    "secret": "hmac",
}
_ALIASES: dict[type[_Credential], dict[str, str]] = {Header: {"header": "name", "secret": "value"}}
_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be text",
    "literal_error": "must be one of standard, github, timestamp",
}


def parse_credentials(text: str) -> dict[str, tuple[Credential, ...]]:
    """Read ``MEND_WEBHOOK_SECRETS``.

    Args:
        text: JSON as in the docstring of this module.

    Returns:
        The credentials of each source, in their order; every one has a ``kid``, made of its kind
        and place (``basic-1``) where none was given.

    Raises:
        ValueError: it cannot be meant; the message names source, field and what would be right,
            and quotes no value.
    """
    try:
        given = json.loads(text, object_pairs_hook=_each_once)
    except _Twice as twice:
        raise ValueError(str(twice)) from None
    except (ValueError, RecursionError):
        raise ValueError("must be a JSON object of sources and their credentials") from None
    if not isinstance(given, dict) or not given:
        raise ValueError("must be a JSON object with at least one source")
    for number, source in enumerate(given, 1):
        if not _SOURCE.fullmatch(source):
            raise ValueError(
                f"the name of source {number} must be up to 40 lower case letters, digits, dashes "
                "and underscores, as in the webhook's path"
            )
    return {source: _of_source(source, one) for source, one in given.items()}


class _Twice(ValueError):
    """A name occurs twice in one object; JSON would keep the last one without a word."""


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"must have {_shown(twice)} once only")
    return found


def _of_source(source: str, given: object) -> tuple[Credential, ...]:
    listed = given if isinstance(given, list) else [given]
    if not 1 <= len(listed) <= MAX_CREDENTIALS:
        raise ValueError(f"{source}: must have 1 to {MAX_CREDENTIALS} credentials")
    found = []
    for number, one in enumerate(listed, 1):
        where = source if len(listed) == 1 else f"{source}, credential {number}"
        credential = _one(where, one)
        found.append(
            credential
            if credential.kid
            else credential.model_copy(update={"kid": f"{credential.kind}-{number}"})
        )
    if len({one.kid for one in found}) != len(found):
        raise ValueError(f"{source}: kid must be different for each credential")
    return tuple(found)


def _one(where: str, given: object) -> Credential:
    if isinstance(given, str):
        return _string(where, given)
    if not isinstance(given, Mapping):
        raise ValueError(f"{where}: must be a string or an object")  # noqa: TRY004 - of the person
    fields = dict(given)
    model = _KINDS[_kind(where, fields)]
    for alias, name in _ALIASES.get(model, {}).items():
        if alias in fields:
            if name in fields:
                raise ValueError(f"{where}: {name} must be given once; {alias} means the same")
            fields[name] = fields.pop(alias)
    return _validated(where, model, fields)


def _string(where: str, given: str) -> AnyScheme:
    user, colon, password = given.partition(":")
    if colon and not (user and len(password) >= _MIN_CHARACTERS):
        raise ValueError(
            f"{where}: a string with a colon must be user:password, the password of at least "
            f"{_MIN_CHARACTERS} characters"
        )
    try:
        return AnyScheme(secret=SecretStr(given))
    except ValidationError as error:
        message = error.errors(include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{where}: the string {message}") from None


def _kind(where: str, fields: dict[str, object]) -> str:
    """Take the kind out of ``fields``, or guess it from their names."""
    said = [name for name in ("type", "kind", "scheme") if name in fields]
    if len(said) > 1:
        raise ValueError(f"{where}: {said[0]} must be given once; {said[1]} means the same")
    if said:
        kind = fields.pop(said[0])
        if not isinstance(kind, str) or kind.lower() not in _KINDS:
            raise ValueError(f"{where}: {said[0]} must be one of {', '.join(_KINDS)}")
        return kind.lower()
    for name, kind in _INFERRED.items():
        if name in fields:
            return kind
    raise ValueError(f"{where}: type must be one of {', '.join(_KINDS)}")


def _validated(
    where: str,
    model: type[Basic | Bearer | Header | Hmac | Entra],
    fields: dict[str, object],
) -> Credential:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        wrong = []
        for problem in error.errors(include_input=False, include_url=False):
            field = _shown(str(problem["loc"][0])) if problem["loc"] else ""
            message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
            if problem["type"] == "extra_forbidden":
                message = f"is no field of {model.kind}; there is {', '.join(model.model_fields)}"
            wrong.append(f"{field} {message}".strip())
        raise ValueError(f"{where}: {'; '.join(wrong)}") from None


def _shown(name: str) -> str:
    """Return a field's name for a message, unless it could be a secret in the wrong place."""
    known = {field for model in _KINDS.values() for field in model.model_fields}
    known |= {"type", "kind", "scheme", *_INFERRED}
    return name if name in known or _FIELD.fullmatch(name) else "a field"
