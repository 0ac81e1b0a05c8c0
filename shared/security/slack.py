"""Whether a request comes from Slack: signed with the app's secret, just now.

Slack, "Verifying requests from Slack": HMAC-SHA256 over version, timestamp and the body as it
came; older than five minutes means replayed.
"""

import re
from datetime import datetime

from pydantic import SecretStr

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def is_from_slack(
    signing_secret: SecretStr | None, timestamp: str, signature: str, body: bytes, now: datetime
) -> bool:
    """Tell whether ``signature`` is Slack's own for exactly these bytes; without a secret, no."""
    if signing_secret is None or not signing_secret.get_secret_value().strip():
        return False
    if not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(signature):
        return False
    from slack_sdk.signature import Clock, SignatureVerifier

    class Now(Clock):
        def now(self) -> float:
            return now.timestamp()

    verifier = SignatureVerifier(signing_secret.get_secret_value(), Now())
    try:
        return verifier.is_valid(body, timestamp, signature)
    except UnicodeDecodeError:
        return False
