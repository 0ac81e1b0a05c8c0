"""Teams and e-mail, on the wire: what is said cannot be changed, so it is said rarely."""

import ssl
from typing import Any

import pytest

from shared.connectors.mail import Mail
from shared.connectors.mail_server import MailServer
from shared.connectors.teams import Teams
from shared.domain.ticket import Outcome
from simulators.client import SmtpSimulator, TeamsSimulator
from tests.channels.story import ID, PUBLIC_URL, RERUN, Teller, paint, texts_in

CHILD = "TIK-20261120-000002"
EVIL = "<at>all</at> [click](https://evil.example) <script> http://evil.example www.evil.example"


@pytest.fixture
def in_teams(teams: TeamsSimulator) -> Teller:
    """Return somebody who tells Teams."""
    return Teller(Teams(teams.webhook_url, paint, local=True, timeout_seconds=3))


def a_mail(smtp: SmtpSimulator, *, password: str = "simulated", **fields: Any) -> Mail:
    """Return the connector."""
    server = MailServer.of(smtp.mail_url(password), local=fields.pop("local", True))
    to = ("ops@example.com", "data@example.com")
    return Mail(server, "mend@example.com", to, paint, timeout_seconds=3, **fields)


@pytest.fixture
def by_mail(smtp: SmtpSimulator) -> Teller:
    """Return somebody who writes mails."""
    return Teller(a_mail(smtp))


async def test_teams_gets_a_card_at_the_beginning_and_at_the_end(
    in_teams: Teller, teams: TeamsSimulator
) -> None:
    """And none in between."""
    await in_teams.open()
    await in_teams.rounds()
    await in_teams.heal()
    assert await in_teams.rounds() == []

    first, last = teams.cards()
    assert any("⚠️ load_customer_data failed" in text for text in texts_in(first))
    shown = texts_in(last)
    assert any("✅ load_customer_data recovered" in text for text in shown)
    assert any(RERUN in text for text in shown)
    assert "5.0 minutes" in shown
    assert f"{PUBLIC_URL}/api/v1/tickets/{ID}" in shown


async def test_a_card_has_no_markup_and_no_link_but_ours(
    in_teams: Teller, teams: TeamsSimulator
) -> None:
    """Text runs show what is in them as it is."""
    await in_teams.open(description=EVIL, title=EVIL)
    await in_teams.rounds()

    (card,) = teams.cards()
    body: Any = card["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    assert {run["type"] for block in body for run in block["inlines"]} == {"TextRun"}
    assert {action["url"] for action in card["actions"]} == {  # type: ignore[attr-defined]
        f"{PUBLIC_URL}/api/v1/tickets/{ID}"
    }
    assert "msteams" not in card


@pytest.mark.parametrize("fault", ["reset_before", "refuse_503", "html_502_before", "throttle_429"])
async def test_teams_converges(in_teams: Teller, teams: TeamsSimulator, fault: str) -> None:
    """And the URL's signature shows nowhere."""
    teams.fault("postCard", fault, times=3)
    await in_teams.open()
    problems = await in_teams.rounds(most=200)

    assert len(problems) == 3
    assert len(teams.cards()) == 1
    assert "simulated-signature" not in str(problems)


async def test_a_wrong_signature_is_said_and_not_shown(
    teams: TeamsSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by us nor by the HTTP client, which logs addresses."""
    caplog.set_level(0)
    url = teams.webhook_url.replace("simulated-signature", "canary-4711")
    teller = Teller(Teams(url, paint, local=True))
    await teller.open()
    problems = (await teller.round()).problems

    assert "HTTP 401" in problems[0]
    assert "4711" not in f"{problems} {caplog.text} {teller.store._told}"


async def test_a_hanging_workflow_is_left_alone(teams: TeamsSimulator) -> None:
    """After a while; the card may then come twice, under the same title."""
    teller = Teller(Teams(teams.webhook_url, paint, local=True), patience_seconds=1.5)
    teams.fault("postCard", "hold", seconds=3)
    await teller.open()
    assert (await teller.round()).problems == (f"{ID}: no answer in time",)
    await teller.rounds()

    assert len({str(card["body"]) for card in teams.cards()}) == 1


async def test_who_needs_no_person_gets_no_mail(by_mail: Teller, smtp: SmtpSimulator) -> None:
    """Not even a connection."""
    await by_mail.open()
    await by_mail.heal()
    await by_mail.rounds()

    assert smtp.mails() == []


async def test_a_mail_calls_and_another_one_ends_it(by_mail: Teller, smtp: SmtpSimulator) -> None:
    """In one conversation, each with an id of its own that never changes."""
    await by_mail.open()
    await by_mail.analyse()
    await by_mail.end(Outcome.NOT_HEALED)
    await by_mail.rounds()
    await by_mail.change(
        "ticket.resolved", "done by hand", status="resolved", outcome="resolved_manually"
    )
    assert await by_mail.rounds() == []

    mails: list[Any] = smtp.mails()
    assert [mail["headers"]["Subject"] for mail in mails] == [
        f"🆘 load_customer_data needs a person - {ID}",
        f"✅ load_customer_data recovered - {ID}",
    ]
    assert [mail["headers"]["Message-ID"] for mail in mails] == [
        f"<{ID.lower()}.escalated@example.com>",
        f"<{ID.lower()}.ended@example.com>",
    ]
    assert len({mail["headers"]["References"] for mail in mails}) == 1
    assert mails[0]["to"] == ["ops@example.com", "data@example.com"]
    for body in (mails[0]["text"], mails[0]["html"]):
        assert "The database did not answer in time." in body
        assert f"{PUBLIC_URL}/api/v1/tickets/{ID}" in body


async def test_a_mail_makes_no_link_and_no_header_of_an_alert(
    by_mail: Teller, smtp: SmtpSimulator
) -> None:
    """Mail programs make links of what looks like one."""
    name = "load\r\nBcc: everybody@example.com"
    resource = (await by_mail.open("TIK-20261120-000009")).resource
    await by_mail.open(
        description=EVIL, title=EVIL, resource=resource.model_copy(update={"name": name})
    )
    await by_mail.end(Outcome.NOT_HEALED, EVIL)
    await by_mail.rounds()

    (mail,) = smtp.mails()
    headers: Any = mail["headers"]
    assert "Bcc" not in headers
    assert "Bcc: everybody" in headers["Subject"]
    for body in (str(mail["text"]), str(mail["html"])):
        assert "http://evil" not in body
        assert "https://evil" not in body
        assert "www.evil" not in body
    assert "<script>" not in str(mail["html"])


@pytest.mark.parametrize(
    ("fault", "mails"),
    [
        ("refuse_503", 1),
        ("throttle_429", 1),
        ("reset_before", 1),
        ("reset_after", 2),
        ("html_200", 2),
    ],
)
async def test_mail_converges(by_mail: Teller, smtp: SmtpSimulator, fault: str, mails: int) -> None:
    """What may have been sent is sent again as the same mail, which programs show once."""
    smtp.fault("sendMail", fault)
    await by_mail.open()
    await by_mail.end(Outcome.NOT_HEALED)
    problems = await by_mail.rounds(most=100)

    found: list[Any] = smtp.mails()
    assert len(problems) == 1
    assert len(found) == mails
    assert len({mail["headers"]["Message-ID"] for mail in found}) == 1


async def test_a_wrong_password_is_said_and_not_shown(
    smtp: SmtpSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """And no further mail is tried for now."""
    caplog.set_level(0)
    teller = Teller(a_mail(smtp, password="canary-4711"))
    await teller.open()
    await teller.end(Outcome.NOT_HEALED)
    problems = (await teller.round()).problems

    assert problems == (f"{ID}: mail: login: SMTPAuthenticationError 535",)
    assert "4711" not in f"{problems} {caplog.text} {teller.store._told}"


async def test_a_hanging_mail_server_is_left_alone(smtp: SmtpSimulator) -> None:
    """After a while."""
    teller = Teller(a_mail(smtp), patience_seconds=1.5)
    smtp.fault("sendMail", "hold", seconds=2.5)
    await teller.open()
    await teller.end(Outcome.NOT_HEALED)

    assert (await teller.round()).problems == (f"{ID}: no answer in time",)


async def test_no_password_goes_over_a_network_in_the_clear(smtp: SmtpSimulator) -> None:
    """A server elsewhere that offers no STARTTLS gets neither login nor mail."""
    teller = Teller(a_mail(smtp, local=False))
    await teller.open()
    await teller.end(Outcome.NOT_HEALED)
    problems = (await teller.round()).problems

    assert problems == (f"{ID}: mail: no session: SMTPNotSupportedError",)
    assert smtp.ledger() == []


@pytest.mark.parametrize("trusted", [True, False])
async def test_starttls_is_used_and_its_certificate_checked(
    smtp: SmtpSimulator, trusted: bool
) -> None:
    """One that nobody vouches for gets nothing."""
    smtp.switch(starttls=True, login=True)
    context = ssl.create_default_context(cadata=smtp.certificate() if trusted else None)
    teller = Teller(a_mail(smtp, local=False, trust=context))
    await teller.open()
    await teller.end(Outcome.NOT_HEALED)
    problems = (await teller.round()).problems

    assert [(mail["encrypted"], mail["user"]) for mail in smtp.mails()] == [
        (True, "mend")
    ] * trusted
    assert list(problems) == [f"{ID}: mail: no session: SSLCertVerificationError"] * (not trusted)


@pytest.mark.parametrize(("outcome", "told"), [(Outcome.NOT_HEALED, False), (Outcome.HEALED, True)])
async def test_a_child_is_told_where_its_incident_calls_nobody(
    by_mail: Teller, smtp: SmtpSimulator, outcome: Outcome, told: bool
) -> None:
    """Otherwise the incident's mail speaks for it."""
    await by_mail.open()
    await by_mail.analyse()
    await by_mail.end(outcome)
    await by_mail.open(CHILD, parent_id=ID)
    await by_mail.end(Outcome.NOT_HEALED, ticket_id=CHILD)
    await by_mail.rounds()

    subjects = [str(mail["headers"]["Subject"]) for mail in smtp.mails()]  # type: ignore[index]
    assert any(CHILD in subject for subject in subjects) is told
    assert len(subjects) == 1


@pytest.mark.parametrize(
    "url", ["http://mail.example.com", "mail.example.com", "smtp://", "smtp://u:p@h:port"]
)
def test_a_wrong_address_is_not_quoted(url: str) -> None:
    """It holds a password."""
    with pytest.raises(ValueError, match=r"^must be smtp://user:password@host:587 or"):
        MailServer.of(url)


def test_an_address_is_read() -> None:
    """With its escapes."""
    server = MailServer.of("smtps://me%40x:p%2Fw@mail.example.com")

    assert (server.host, server.port, server.encrypted) == ("mail.example.com", 465, "tls")
    assert (server.user, server.password) == ("me@x", "p/w")
    assert MailServer.of("smtp://mail.example.com").encrypted == "starttls"
