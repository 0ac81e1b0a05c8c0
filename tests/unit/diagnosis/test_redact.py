"""Secrets do not get past the diagnosis; planted canaries prove it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.diagnosis.diagnose import diagnose, shown
from shared.diagnosis.failure import FailureFacts, FailureText
from shared.diagnosis.redact import MARK, redact
from shared.domain.alert import Platform

CANARY = st.from_regex(r"[A-Za-z0-9+/]{20,40}", fullmatch=True)
PLACES: dict[str, Callable[[str], str]] = {
    "SQL connection": lambda it: f"Server=db;User ID=etl;Password={it};Encrypt=True",
    "value with spaces": lambda it: f"Data Source=db;Pwd=my {it} word;x=y",
    "quoted value": lambda it: f"Data Source=db;User=etl;pwd = '{it}' ;",
    "value in braces": lambda it: f"Driver=x;Pwd={{a;{it}}};x=y",
    "storage connection": lambda it: f"AccountName=a;AccountKey={it}==;EndpointSuffix=x",
    "service bus": lambda it: f"Endpoint=sb://a;SharedAccessKeyName=n;SharedAccessKey={it}=",
    "SAS": lambda it: f"https://a.example/c/f.csv?sv=2020&sr=b&sig={it}&se=2030",
    "SAS, escaped": lambda it: f"url=https%3A%2F%2Fa%3Fsv%3D2020%26sig%3D{it}",
    "function key": lambda it: f"https://fn.example/api/run?code={it}",
    "URL login": lambda it: f"https://user:{it.replace('/', 'x')}@host.example/path",
    "bearer header": lambda it: f"Authorization: Bearer {it}",
    "bearer without header": lambda it: f"called with bearer {it} and failed",
    "basic header": lambda it: f'{{"headers": {{"authorization": "Basic {it}"}}}}',
    "SAS header": lambda it: f"SharedAccessSignature {it}",
    "JSON": lambda it: f'{{"client_secret": "{it}", "scope": "x"}}',
    "JSON in JSON": lambda it: f'{{\\"clientSecret\\":\\"{it}\\",\\"scope\\":\\"x\\"}}',
    "JSON with a quote": lambda it: f'{{"password":"a\\"{it}"}}',
    "form": lambda it: f"client_id=abc&client_secret={it}&grant_type=x",
    "Spark setting": lambda it: f"fs.azure.account.key.a.dfs.core.windows.net={it}",
    "PEM": lambda it: f"-----BEGIN RSA PRIVATE KEY-----\n{it}\n-----END RSA PRIVATE KEY-----",
    "PEM without end": lambda it: f"-----BEGIN PRIVATE KEY-----\n{it}",
    "XML": lambda it: f"<add><password>{it}</password></add>",
    "option": lambda it: f"databricks configure --token {it.strip('+/')} --host h",
    "SQL clause": lambda it: f"CREATE USER etl IDENTIFIED BY {it}",
    "header of a function": lambda it: f"x-functions-key: {it}",
    "environment": lambda it: f'DB_PASSWORD="{it} with more {it}"',
}
TOKENS = {
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZW5kIn0.c2lnbmF0dXJl-_x",
    "Databricks": "dapi0123456789abcdef0123456789abcdef-3",
    "storage key": "Kk0/" * 21 + "Kk==",
    "service bus key": "Zz9+" * 10 + "Zz9=",
    "Entra secret": "abc8Q~" + "d.e_f~" * 5 + "gh12",
    "AWS": "AKIA" + "Q7" * 8,
    "GitHub": "ghp_" + "a1B2" * 9,
    "Slack": "xoxb-" + "12345-abcde",
}


@pytest.mark.parametrize("place", PLACES)
@given(secret=CANARY, before=st.text(max_size=20), after=st.text(max_size=20))
@settings(max_examples=15, deadline=None)
def test_planted_secrets_never_survive(place: str, secret: str, before: str, after: str) -> None:
    """Wherever systems put secrets into errors, they are gone before anybody reads them."""
    planted = PLACES[place](secret)
    hidden = secret.strip("+/").replace("/", "x") if place == "URL login" else secret.strip("+/")
    text = f"{before}\n{planted}\n{after}"

    assert hidden in text.replace("/", "x") if place == "URL login" else hidden in text
    assert hidden not in redact(text)
    assert hidden not in shown(text)


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_are_known_by_their_shape(kind: str) -> None:
    """Without any name beside it a token still looks like one."""
    assert redact(f"the call with {TOKENS[kind]} failed") == f"the call with {MARK} failed"


@settings(max_examples=50, deadline=None)
@given(CANARY, st.sampled_from(sorted(PLACES)))
def test_no_secret_leaves_the_diagnosis(secret: str, place: str) -> None:
    """Evidence, advice and cause together hold nothing of it."""
    text = FailureText(
        evidence_id="e1",
        error_code="2200",
        message=f"ErrorCode=AcmeTimeout {PLACES[place](secret)} SqlErrorNumber=18456",
    )

    analysis = diagnose(FailureFacts(platform=Platform.ADF, texts=(text,)))

    assert secret.strip("+/").replace("/", "x") not in analysis.model_dump_json().replace("/", "x")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300), st.sampled_from(sorted(PLACES)))
def test_redaction_is_stable(text: str, place: str) -> None:
    """Redacting twice changes nothing: logs and tickets pass several hands."""
    once = redact(text + PLACES[place]("s3cr3ts3cr3ts3cr3ts3"))

    assert redact(once) == once


@pytest.mark.parametrize(
    "prose",
    [
        "Login failed for user 'etl'. The password of the account has expired.",
        "Could not load file or assembly 'A, Version=1.0, PublicKeyToken=b03f5f7f11d50a3a'.",
        "Path abfss://raw@lake.dfs.core.windows.net:443/in/orders.csv does not exist.",
        "Violation of PRIMARY KEY constraint 'PK_orders'. The duplicate key value is (7).",
        "AADSTS7000215: Invalid client secret provided.",
    ],
)
def test_what_explains_the_failure_stays(prose: str) -> None:
    """A redacted message must still tell its reader what went wrong."""
    assert redact(prose) == prose


def test_only_the_value_goes() -> None:
    """What stands around a secret helps to find its owner."""
    text = "Server=db;User ID=etl;Password=pw;Encrypt=True"

    assert redact(text) == f"Server=db;User ID=etl;Password={MARK};Encrypt=True"
