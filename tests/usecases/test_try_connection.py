"""A try ends in time, in words, and without a secret."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from shared.connections import hider
from shared.domain.errors import Refused
from shared.ports.connections import Connection
from shared.settings import Settings
from shared.usecases.try_connection import Tried, try_connection

CANARY = "planted-secret-7f3a"


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        """Return always the same."""
        return datetime(2026, 11, 20, tzinfo=UTC)


async def tried(reach: object, *, chosen: Settings | None = None) -> Tried:
    """Try a connection that is reached like this."""
    connection = Connection(
        name="one",
        title="One",
        where="one.example.com",
        credential="kv://one",
        settings=("MEND_ONE",),
        reads="something",
        reach=reach,  # type: ignore[arg-type]
    )
    hide = hider(chosen or Settings())
    return await try_connection(connection, Clock(), hide, patience_seconds=0.05)


async def test_what_never_answers_does_not_hold_anybody_up() -> None:
    """The first step fails, and the advice says what to look at."""

    async def hang() -> str:
        await asyncio.sleep(60)
        return ""

    found = await tried(hang)
    assert not found.ok
    assert found.checks[0].detail == "no answer within 0.05 s"
    assert "MEND_ONE" in found.checks[0].advice


async def test_what_nobody_has_thought_of_is_no_500() -> None:
    """Its kind is told, its text is not: it could hold anything."""

    async def burst() -> str:
        raise RuntimeError(CANARY)

    found = await tried(burst)
    assert CANARY not in found.model_dump_json()
    assert found.checks[0].detail == "it cannot be asked: RuntimeError"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("mend_databricks_token", CANARY, CANARY),
        ("mend_smtp_url", f"smtp://me:{CANARY}@mail.example.com:587", CANARY),
        ("mend_smtp_url", "smtp://me:planted%20secret@mail.example.com:587", "planted secret"),
        ("mend_teams_webhook_url", f"https://x.example.com/flow?a=1&sig={CANARY}", CANARY),
    ],
)
async def test_a_secret_that_is_quoted_back_is_taken_out(name: str, value: str, shown: str) -> None:
    """Also the part of a URL that is one."""
    chosen = Settings().model_copy(update={name: SecretStr(value)})

    async def quote() -> str:
        raise Refused("one", f"you have sent {shown} and {value}", status=401)

    found = await tried(quote, chosen=chosen)
    assert shown not in found.model_dump_json()
    assert found.checks[1].detail == "one: you have sent … and …"
