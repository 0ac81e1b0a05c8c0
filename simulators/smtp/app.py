"""The controls of the mail server, as one ASGI app; mail itself goes to a port of its own.

GET    /_sim/smtp/address        host and port of the mail port
GET    /_sim/smtp/certificate    what it shows after STARTTLS, PEM
GET    /_sim/smtp/mails          what was accepted, oldest first
PUT    /_sim/smtp/switches       SwitchScript
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulators.kit.controls import PREFIX, instruction
from simulators.kit.service import Answer, Refused, Service
from simulators.kit.serving import Simulator, Surroundings
from simulators.kit.surface import build
from simulators.smtp.certificate import Certificate
from simulators.smtp.model import PASSWORD, PostOffice, SwitchScript
from simulators.smtp.server import SEND, Mailman


class Dialect:
    """What is said to those who speak HTTP to it."""

    def error(self, refusal: Refused) -> Answer:
        """Return a plain error."""
        return Answer(refusal.status, {"error": refusal.message}, refusal.headers)

    def headers(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}


def create(surroundings: Surroundings) -> Simulator:
    """Return a fresh server; the token of the surroundings is the password of its user."""
    service, certificate = Service(surroundings.clock, Dialect()), Certificate()
    office = PostOffice(token=surroundings.token or PASSWORD)

    async def address(request: Request) -> Response:
        _ = request
        return JSONResponse({"host": "127.0.0.1", "port": office.port})

    async def show_certificate(request: Request) -> Response:
        _ = request
        return PlainTextResponse(certificate.pem)

    async def mails(request: Request) -> Response:
        _ = request
        return JSONResponse({"mails": [mail.as_json() for mail in office.mails]})

    async def switch(request: Request) -> Response:
        office.switches = await instruction(request, SwitchScript)
        return JSONResponse(office.switches.model_dump(mode="json"))

    path = f"{PREFIX}/smtp"
    controls = [
        Route(f"{path}/address", address),
        Route(f"{path}/certificate", show_certificate),
        Route(f"{path}/mails", mails),
        Route(f"{path}/switches", switch, methods=["PUT"]),
    ]
    app = build(
        service,
        name="smtp",
        paths=[],
        controls=controls,
        reset=office.clear,
        actions=[SEND],
    )
    mailman = Mailman(service, office, certificate)
    return Simulator("smtp", "Mail server", app, service.pauses.wake_all, mailman.running)
