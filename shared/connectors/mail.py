"""E-mail, for those who have to act: when a ticket needs a person, and when that one has ended.

Over SMTP with STARTTLS, or TLS from the start; without either only to this machine. Each mail has
a ``Message-ID`` made of ticket and phase, so that one that is sent again is the same mail, and
refers to the ticket, so that all of a ticket's mails are one conversation (RFC 5322, 3.6.4).
"""

import asyncio
import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from shared.connectors.mail_server import MailServer
from shared.domain.errors import OutcomeUnknown, Refused, Transient
from shared.domain.notification import Remembered
from shared.ports.notifications import Intend, News, Told
from shared.telling.phase import Phase, needs_own, phase_of
from shared.telling.picture import Line, Paint, Picture

_SYSTEM = "mail"
_CALLING = {Phase.APPROVAL, Phase.ESCALATED}
# Mail programs make links of what looks like one, whoever wrote it.
_LINK = re.compile(r"://|\bwww\.", re.IGNORECASE)


class Mail:
    """Implements :class:`~shared.ports.notifications.Notifier`.

    Args:
        server: Where mail is handed in.
        sender: Address it comes from.
        recipients: Addresses it goes to.
        paint: Makes the picture that is shown.
        timeout_seconds: For each exchange with the server.
        trust: Certificates that are believed; those of the machine if not given.
    """

    name = "mail"
    pause_seconds = 1.0

    def __init__(
        self,
        server: MailServer,
        sender: str,
        recipients: tuple[str, ...],
        paint: Paint,
        *,
        timeout_seconds: float = 8,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._recipients = recipients
        self._paint = paint
        self._timeout_seconds = timeout_seconds
        self._trust = trust

    async def tell(self, news: News, remembered: Remembered, intend: Intend) -> Told:
        """See the protocol. A mail whose answer is lost is sent again, as the same mail."""
        _ = intend
        ticket, phase = news.ticket, phase_of(news.ticket)
        up_to_date = {"version": ticket.version, "seq": ticket.last_seq}
        after = remembered.model_copy(update=up_to_date)
        last = remembered.marks.get("phase")
        wanted = phase in _CALLING or (phase is Phase.ENDED and last is not None)
        if not wanted or last == phase or not (last or needs_own(ticket, news.parent)):
            return Told(after)
        picture = self._paint(ticket)
        mail = self._written(picture, phase)
        mail["Date"] = format_datetime(ticket.updated_at)
        # A thread that hangs is left alone: its own time limit ends it.
        await asyncio.to_thread(self._send, mail)
        marks = {"marks": {"phase": phase}, "message": str(mail["Message-ID"])}
        return Told(after.model_copy(update=marks), sent=True)

    async def reach(self) -> str:
        """See :class:`~shared.ports.connections.Reachable`: a session without a mail."""
        await asyncio.to_thread(self._greet)
        return "it lets this app log in" if self._server.user else "it takes mail without a login"

    def _greet(self) -> None:
        try:
            session = self._connected()
        except (smtplib.SMTPException, OSError) as error:
            raise Transient(_SYSTEM, f"no session: {_words(error)}") from None
        try:
            self._log_in(session)
            session.noop()
        except smtplib.SMTPAuthenticationError as error:
            raise Refused(_SYSTEM, f"login: {_words(error)}", status=401) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Transient(_SYSTEM, f"no answer: {_words(error)}") from None
        finally:
            session.close()

    def _written(self, picture: Picture, phase: Phase) -> EmailMessage:
        domain = self._sender.rpartition("@")[2]
        conversation = f"<{picture.ticket_id.lower()}@{domain}>"
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Subject"] = f"{picture.mark} {picture.headline}"
        mail["Message-ID"] = f"<{picture.ticket_id.lower()}.{phase}@{domain}>"
        mail["References"] = conversation
        mail["In-Reply-To"] = conversation
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(plain_of(picture))
        mail.add_alternative(html_of(picture), subtype="html")
        return mail

    def _send(self, mail: EmailMessage) -> None:
        try:
            session = self._connected()
        except (smtplib.SMTPException, OSError) as error:
            raise Transient(_SYSTEM, f"no session: {_words(error)}") from None
        try:
            self._log_in(session)
            session.send_message(mail, self._sender, self._recipients)
        except smtplib.SMTPAuthenticationError as error:
            raise Refused(_SYSTEM, f"login: {_words(error)}", status=401) from None
        except smtplib.SMTPRecipientsRefused:
            raise Refused(_SYSTEM, "no recipient is accepted", status=400) from None
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
            # The server has answered, so it has not taken the mail (RFC 5321, 4.2.1).
            if 400 <= code < 500:
                raise Transient(_SYSTEM, f"not now: {_words(error)}", status=code) from None
            if 500 <= code < 600:
                raise Refused(_SYSTEM, f"refused: {_words(error)}", status=code) from None
            raise OutcomeUnknown(_SYSTEM, "no readable answer") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise OutcomeUnknown(_SYSTEM, f"no answer: {_words(error)}") from None
        finally:
            session.close()

    def _connected(self) -> smtplib.SMTP:
        server, context = self._server, self._trust or ssl.create_default_context()
        seconds = self._timeout_seconds
        if server.encrypted == "tls":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=context)
        session = smtplib.SMTP(server.host, server.port, timeout=seconds)
        if server.encrypted == "starttls":
            try:
                session.starttls(context=context)  # raises if it is not offered
            except BaseException:
                session.close()
                raise
        return session

    def _log_in(self, session: smtplib.SMTP) -> None:
        if self._server.user:
            session.login(self._server.user, self._server.password)


def plain_of(picture: Picture) -> str:
    """Return the text of a mail."""
    lines = [f"{line.label}: {unlinked(line.text)}" for line in picture.lines]
    request = picture.request
    asked = [f"Decide here: {request.url}"] if request and request.url else []
    return "\n".join([unlinked(picture.headline), "", *lines, "", *asked, picture.url, ""])


def html_of(picture: Picture) -> str:
    """Return the same for programs that show HTML."""
    rows = "".join(_row(line) for line in picture.lines)
    links = [(picture.url, picture.ticket_id)]
    links += [(picture.request.url, "Decide")] if picture.request and picture.request.url else []
    shown = " &middot; ".join(f'<a href="{escape(url)}">{escape(text)}</a>' for url, text in links)
    title = escape(f"{picture.mark} {unlinked(picture.headline)}")
    return f"<html><body><h3>{title}</h3><table>{rows}</table><p>{shown}</p></body></html>"


def unlinked(text: str) -> str:
    """Return ``text`` so that no program makes a link of it."""
    return _LINK.sub(lambda found: found[0].replace("://", "[:]//").replace(".", "[.]"), text)


def _row(line: Line) -> str:
    label, text = escape(line.label), escape(unlinked(line.text))
    return f'<tr><td valign="top"><b>{label}</b></td><td>{text}</td></tr>'


def _words(error: Exception) -> str:
    """Return the kind of error and its code: what a server says may repeat what it was told."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__}{f' {code}' if code else ''}"
