"""The setting: what is accepted, and messages that help without telling a secret."""

import json

import pytest

from shared.security.credentials import (
    AZURE_MONITOR_APP,
    AZURE_MONITOR_ROLE,
    AnyScheme,
    Basic,
    Bearer,
    Entra,
    Header,
    Hmac,
    parse_credentials,
)
from tests.unit.security.requests import credentials

TENANT = "00000000-0000-4000-8000-0000000000AA"
SECRET = "hunter2-hunter2-hunter2"


def test_a_string_is_enough() -> None:
    """The simplest setting is one string per source."""
    found = parse_credentials(f'{{"databricks": "mend:{SECRET}", "alertmanager": "{SECRET}"}}')

    assert {source: [type(one) for one in each] for source, each in found.items()} == {
        "databricks": [AnyScheme],
        "alertmanager": [AnyScheme],
    }


@pytest.mark.parametrize("key", ["type", "kind", "scheme", None])
@pytest.mark.parametrize(
    ("kind", "fields", "model"),
    [
        ("basic", {"username": "mend", "password": SECRET}, Basic),
        ("bearer", {"token": SECRET}, Bearer),
        ("header", {"name": "X-Secret", "value": SECRET}, Header),
        ("header", {"header": "X-Secret", "secret": SECRET}, Header),
        ("hmac", {"secret": SECRET}, Hmac),
        ("hmac", {"secret": SECRET, "style": "github"}, Hmac),
        ("entra", {"tenant": TENANT, "audience": "api://mend"}, Entra),
    ],
)
def test_an_object_says_its_kind_or_shows_it(
    key: str | None, kind: str, fields: dict[str, str], model: type
) -> None:
    """By any of three names, or by its fields."""
    said = {key: kind.upper()} if key else {}

    (found,) = credentials(json.dumps({**said, **fields}))

    assert type(found) is model
    assert found.kid == f"{kind}-1"


def test_entra_needs_a_tenant_and_an_audience_only() -> None:
    """The rest is Azure Monitor's."""
    (found,) = credentials(json.dumps({"tenant": TENANT, "audience": "api://mend"}))

    assert isinstance(found, Entra)
    assert (found.app_id, found.role) == (AZURE_MONITOR_APP, AZURE_MONITOR_ROLE)
    assert found.issuers == (
        f"https://sts.windows.net/{TENANT.lower()}/",
        f"https://login.microsoftonline.com/{TENANT.lower()}/v2.0",
    )
    assert found.keys_url == (
        f"https://login.microsoftonline.com/{TENANT.lower()}/discovery/v2.0/keys"
    )


def test_a_standard_secret_is_base64_after_its_prefix_and_text_without() -> None:
    """As the specification has it; the prefix means nothing in other styles."""
    given = '{"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"%s}'

    (standard,) = credentials(given % "")
    (github,) = credentials(given % ', "style": "github"')

    assert isinstance(standard, Hmac)
    assert isinstance(github, Hmac)
    assert len(standard.key) == 24
    assert github.key == b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_names_are_given_where_none_are() -> None:
    """By kind and place; a kid of one's own stays."""
    given = [{"token": SECRET, "kid": "2027"}, {"token": SECRET}, f"user:{SECRET}"]

    assert [one.kid for one in credentials(json.dumps(given))] == ["2027", "bearer-2", "string-3"]


HEADER = {"name": "X-S", "value": SECRET}
ENTRA = {"tenant": TENANT, "audience": "a"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "source: must have 1 to 3 credentials"),
        ([SECRET] * 4, "source: must have 1 to 3 credentials"),
        (17, "source: must be a string or an object"),
        (None, "source: must be a string or an object"),
        ("fivee", "source: the string must have at least 6 characters"),
        (SECRET + "\n", "source: the string must be printable ASCII"),
        (SECRET + "é", "source: the string must be printable ASCII"),
        ("user:fivee", "source: a string with a colon must be user:password"),
        (":" + SECRET, "source: a string with a colon must be user:password"),
        ({}, "source: type must be one of basic, bearer, header, hmac, entra"),
        ({"type": "mtls"}, "source: type must be one of"),
        ({"type": 1}, "source: type must be one of"),
        ({"type": "bearer", "kind": "bearer", "token": SECRET}, "source: type must be given once"),
        ({"username": "a:b", "password": SECRET}, "source: username must not be empty"),
        ({"username": "mend"}, "source: password is missing"),
        ({"username": "mend", "password": "fivee"}, "password must have at least 6"),
        ({"username": "mend", "password": 12345678}, "source: password must be text"),
        ({"token": "fivee"}, "source: token must have at least 6"),
        ({"token": f" {SECRET}"}, "source: token must be printable ASCII"),
        ({"token": SECRET, "tokn": SECRET}, "source: tokn is no field of bearer"),
        ({"token": SECRET, SECRET: 1}, "source: a field is no field of bearer"),
        ({"token": SECRET, "kid": "a b"}, "source: kid must be 1 to 40"),
        ({**HEADER, "name": "X S"}, "source: name must be the name of a header"),
        ({**HEADER, "header": "X-S"}, "source: name must be given once"),
        ({"type": "header", "name": "X-S", "value": "fivee"}, "value must have at least 6"),
        ({"secret": "seven77"}, "source: secret must have at least 8"),
        ({"secret": "whsec_c2hvcnQ="}, "source: secret must have at least 8"),
        ({"secret": "whsec_%%%%%%%%%%%%%%%%"}, "source: secret must be base64"),
        ({"secret": SECRET, "style": "stripe"}, "style must be one of standard, github, timestamp"),
        ({**ENTRA, "tenant": "contoso"}, "source: tenant must be a GUID"),
        ({**ENTRA, "app_id": "contoso"}, "source: app_id must be a GUID"),
        ({**ENTRA, "audience": ""}, "source: audience must be 1 to 256"),
        ({**ENTRA, "jwks_url": "http://example.com/keys"}, "source: jwks_url must be an https URL"),
        ({**ENTRA, "jwks_url": "https://["}, "source: jwks_url must be an https URL"),
        ({**ENTRA, "issuer": "ftp://127.0.0.1"}, "source: issuer must be an https URL"),
        ([SECRET, {"token": "fivee"}], "source, credential 2: token must have at least 6"),
        ([{"token": SECRET, "kid": "a"}] * 2, "source: kid must be different"),
    ],
)
def test_a_mistake_is_named_and_no_value_is_told(given: object, says: str) -> None:
    """Source, field, and what it must be."""
    with pytest.raises(ValueError, match=says) as caught:
        parse_credentials(json.dumps({"source": given}))

    for value in (SECRET, "fivee", "fifteen15", "contoso", "12345678", "example.com"):
        assert value not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a JSON object"),
        (SECRET, "must be a JSON object"),
        ("[" * 100_000, "must be a JSON object"),
        ('{"a": "' + SECRET + '"', "must be a JSON object"),
        ("[]", "at least one source"),
        ("{}", "at least one source"),
        (f'{{"Data Bricks": "{SECRET}"}}', "the name of source 1 must be"),
        (f'{{"a": "{SECRET}", "a": "{SECRET}"}}', "must have a once only"),
        (f'{{"a": {{"token": "{SECRET}", "token": "x"}}}}', "must have token once only"),
    ],
)
def test_what_is_no_such_object_is_refused(text: str, says: str) -> None:
    """Nothing is kept of a setting that cannot be meant; the last of two does not win."""
    with pytest.raises(ValueError, match=says) as caught:
        parse_credentials(text)

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_does_not_show() -> None:
    """Neither in a log line nor in a traceback."""
    given = [f"user:{SECRET}", {"token": SECRET}, {"secret": SECRET}]

    assert SECRET not in repr(credentials(json.dumps(given)))
