"""GET /api/approve: the page behind a signed link. It changes nothing; it only asks.

All of it is one file: nothing is loaded from anywhere, and the token, which stands in the
URL's fragment, is sent to nobody but our own API by POST.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

bp = df.Blueprint()

_FILE = Path(__file__).with_suffix(".html")


@bp.route(route="approve", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def approve_page(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - bound by the host
    """Answer the page."""
    text, policy = page()
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }
    return func.HttpResponse(text, headers=headers, mimetype="text/html", charset="utf-8")


@cache
def page() -> tuple[str, str]:
    """Return the page and the policy that allows its own script and style, and nothing else."""
    text = _FILE.read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(text, 'script')}; "
        f"style-src {_hash(text, 'style')}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _hash(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    inside = found[1] if found else ""
    digest = hashlib.sha256(inside.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
