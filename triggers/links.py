"""Where a reader of a ticket goes next. Computed when shown: addresses change, tickets stay."""

from urllib.parse import quote

from shared.domain.alert import Platform
from shared.domain.ticket import Ticket
from shared.settings import settings

# The monitoring page of Data Factory Studio, as its own "copy link" gives it.
_STUDIO = "https://adf.azure.com/en/monitoring/pipelineruns"


def links_of(ticket: Ticket) -> dict[str, str]:
    """Return the ticket's own address, its timeline's, and those of its runs in the portal."""
    own = f"{settings().public_url}/api/v1/tickets/{ticket.id}"
    links = {**ticket.links, "self": own, "events": f"{own}/events"}
    if ticket.platform is Platform.ADF and ticket.resource.scope.startswith("/subscriptions/"):
        runs = {"failed_run": ticket.resource.run_id}
        runs |= {f"attempt_{one.number}": one.external_run_id for one in ticket.attempts}
        links |= {name: _studio(ticket, run_id) for name, run_id in runs.items() if run_id}
    return links


def _studio(ticket: Ticket, run_id: str) -> str:
    return f"{_STUDIO}/{quote(run_id, safe='')}?factory={quote(ticket.resource.scope, safe='')}"
