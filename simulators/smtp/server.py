"""SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN and LOGIN (RFC 4954), on loopback."""

import asyncio
import base64
import binascii
import contextlib
import hmac
import socket
import ssl
import struct
from collections.abc import AsyncIterator

from simulators.kit.clock import iso
from simulators.kit.faults import NO_TROUBLE, Pause, Shape, Trouble
from simulators.kit.service import Interrupted, Service
from simulators.smtp.certificate import Certificate
from simulators.smtp.model import USER, Mail, PostOffice

SEND = "sendMail"
_LINGER_ZERO = struct.pack("ii", 1, 0)
_LATER, _BUSY, _NO_LOGIN, _NEVER = "451 4.3.0", "421 4.7.0", "535 5.7.8", "550 5.7.1"
_BY_STATUS = {429: _BUSY, 401: _NO_LOGIN, 403: _NEVER, 404: _NEVER}


class Mailman:
    """Serves the mail port beside the controls."""

    def __init__(self, service: Service, office: PostOffice, certificate: Certificate) -> None:
        self._service = service
        self._office = office
        self._certificate = certificate
        self._sessions: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take mail on a free port of loopback."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._office.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for session in self._sessions:
                session.cancel()
            await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)
        session = _Session(self._service, self._office, self._certificate, reader, writer)
        with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError, Interrupted):
            await session.run()
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()


class _Session:
    def __init__(
        self,
        service: Service,
        office: PostOffice,
        certificate: Certificate,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._service = service
        self._office = office
        self._certificate = certificate
        self._reader = reader
        self._writer = writer
        self._encrypted = False
        self._user: str | None = None
        self._forget()

    async def run(self) -> None:
        await self._say("220 simulated ESMTP")
        while True:
            line = (await self._reader.readline()).decode("ascii", errors="replace").strip()
            verb, _, rest = line.partition(" ")
            if not line or verb.upper() == "QUIT":
                await self._say("221 2.0.0 bye")
                return
            if not await self._obey(verb.upper(), rest):
                return

    async def _obey(self, verb: str, rest: str) -> bool:
        match verb:
            case "EHLO" | "HELO":
                await self._say(*self._offers())
            case "STARTTLS" if self._office.switches.starttls and not self._encrypted:
                await self._encrypt()
            case "AUTH":
                await self._log_in(rest)
            case "MAIL":
                await self._begin(rest)
            case "RCPT":
                await self._add(rest)
            case "DATA":
                return await self._take()
            case "RSET":
                self._forget()
                await self._say("250 2.0.0 ok")
            case "NOOP":
                await self._say("250 2.0.0 ok")
            case _:
                await self._say("502 5.5.2 not known")
        return True

    def _offers(self) -> list[str]:
        switches = self._office.switches
        offers = ["simulated", "8BITMIME"]
        offers += ["STARTTLS"] if switches.starttls and not self._encrypted else []
        offers += ["AUTH PLAIN LOGIN"] if self._encrypted or not switches.starttls else []
        last = len(offers) - 1
        return [f"250{' ' if n == last else '-'}{offer}" for n, offer in enumerate(offers)]

    async def _encrypt(self) -> None:
        await self._say("220 2.0.0 go ahead")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate.load_into(context)
        await self._writer.start_tls(context)
        self._encrypted = True
        self._user = None
        self._forget()

    async def _log_in(self, rest: str) -> None:
        kind, _, given = rest.partition(" ")
        if kind.upper() == "PLAIN":
            shown = _decoded(given or await self._ask("")).split("\0")[-2:]
        else:
            name = _decoded(given or await self._ask("VXNlcm5hbWU6"))
            shown = [name, _decoded(await self._ask("UGFzc3dvcmQ6"))]
        right = f"{USER}\0{self._office.token}"
        if hmac.compare_digest("\0".join(shown).encode(), right.encode()):
            self._user = USER
            await self._say("235 2.7.0 welcome")
        else:
            await self._say(f"{_NO_LOGIN} authentication failed")

    async def _ask(self, what: str) -> str:
        await self._say(f"334 {what}")
        return (await self._reader.readline()).decode("ascii", errors="replace").strip()

    async def _begin(self, rest: str) -> None:
        if self._office.switches.login and self._user is None:
            await self._say("530 5.7.0 authentication required")
            return
        self._forget()
        self._sender = _address(rest)
        await self._say("250 2.1.0 ok")

    async def _add(self, rest: str) -> None:
        address = _address(rest)
        if address in self._office.switches.refused:
            await self._say("550 5.1.1 no such user")
            return
        self._recipients.append(address)
        await self._say("250 2.1.5 ok")

    async def _take(self) -> bool:
        """Take a mail; ``False``: the connection has ended."""
        if not self._recipients:
            await self._say("503 5.5.1 who is it for?")
            return True
        await self._say("354 go ahead")
        data = bytearray()
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                return False
            data += line[1:] if line.startswith(b".") else line
        mail = Mail(self._sender, self._recipients, bytes(data), self._encrypted, self._user)
        self._forget()
        return await self._answer(mail)

    async def _answer(self, mail: Mail) -> bool:
        target = mail.recipients[0]
        order = self._service.faults.take(SEND, (target,))
        trouble: Trouble = order.trouble if order else NO_TROUBLE
        self._service.in_flight += 1
        try:
            if order and trouble.pause is Pause.BEFORE:
                await self._service.pauses.wait(order.seconds)
            if trouble.happens:
                self._office.mails.append(mail)
            said = self._words(trouble)
            self._service.ledger.record(
                at=iso(self._service.clock.now()),
                action=SEND,
                target=target,
                method="DATA",
                path="",
                query={},
                body=None,
                status=int(said[:3]) if said[:3].isdecimal() else None,
                effect=str(len(self._office.mails)) if trouble.happens else None,
                fault=order.fault.value if order else None,
            )
            if order and trouble.pause is Pause.AFTER:
                await self._service.pauses.wait(order.seconds)
        finally:
            self._service.in_flight -= 1
        if said:
            await self._say(said)
            return True
        self._reset()
        return False

    def _words(self, trouble: Trouble) -> str:
        """Return the reply; empty: the connection is cut instead."""
        match trouble.shape:
            case Shape.RESET | Shape.TRUNCATED:
                return ""
            case Shape.ERROR if trouble.happens:
                return ""  # a lost answer
            case Shape.ERROR:
                return f"{_BY_STATUS.get(trouble.status, _LATER)} not now"
            case Shape.HTML | Shape.UNEXPECTED:
                return "<html>simulated</html>"
            case _:
                return "250 2.0.0 taken"

    def _reset(self) -> None:
        peer = self._writer.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._writer.transport.abort()

    def _forget(self) -> None:
        self._sender = ""
        self._recipients: list[str] = []

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode(errors="replace")
    except binascii.Error:
        return ""
