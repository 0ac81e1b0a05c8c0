"""Links that let somebody decide one question, about one plan, for a while.

A token is ``a1.<kid>.<fields>.<mac>``: what it is good for stands in it, and nothing of it
can be changed. It is used up by the decision itself, which is a compare-and-set; who holds
it is not known by name. It travels in the URL's fragment, which no server or log ever sees.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from shared.domain.approval import Approval
from shared.domain.errors import Forbidden
from shared.signing import SigningKey

_PURPOSE = "mend-approve"
_FORM = re.compile(r"a1\.([A-Za-z0-9]{1,64})\.([A-Za-z0-9_-]{1,1500})\.([0-9a-f]{64})", re.ASCII)
_REFUSAL = "this link is not good, or not any more; ask for a new one"


@dataclass(frozen=True, slots=True)
class LinkClaims:
    """What a link is good for."""

    approval_id: str
    ticket_id: str
    plan_hash: str
    approver: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalLinks:
    """Makes and reads links. The first key signs; all are believed, so keys can be changed."""

    keys: Sequence[SigningKey]
    public_url: str

    def link(self, approval: Approval, approver: str = "") -> str:
        """Return the address of the page where ``approval`` is decided."""
        return f"{self.public_url}/api/approve#t={self.token(approval, approver)}"

    def token(self, approval: Approval, approver: str = "") -> str:
        """Return what stands behind ``#t=``."""
        fields = [
            approval.id,
            approval.ticket_id,
            approval.plan_hash,
            approver,
            int(approval.expires_at.timestamp()),
        ]
        text = json.dumps(fields, separators=(",", ":")).encode()
        encoded = base64.urlsafe_b64encode(text).decode().rstrip("=")
        key = self.keys[0]
        return f"a1.{key.kid}.{encoded}.{_mac(key, encoded)}"

    def read(self, token: str, now: datetime) -> LinkClaims:
        """Return what ``token`` is good for.

        Raises:
            Forbidden: it is not one of ours, was changed, its key is retired, or it is too old;
                always in the same words.
        """
        form = _FORM.fullmatch(token)
        if form is None:
            raise Forbidden(_REFUSAL)
        kid, encoded, mac = form.groups()
        good = False
        for key in self.keys:
            matches = hmac.compare_digest(_mac(key, encoded), mac)
            good |= matches and key.kid == kid
        if not good:
            raise Forbidden(_REFUSAL)
        claims = _claims(encoded)
        if claims is None or now >= claims.expires_at:
            raise Forbidden(_REFUSAL)
        return claims


def _mac(key: SigningKey, encoded: str) -> str:
    message = f"{_PURPOSE}|{key.kid}|{encoded}"
    return hmac.new(key.secret, message.encode(), sha256).hexdigest()


def _claims(encoded: str) -> LinkClaims | None:
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        approval_id, ticket_id, plan_hash, approver, expires = json.loads(text)
        return LinkClaims(
            str(approval_id),
            str(ticket_id),
            str(plan_hash),
            str(approver),
            datetime.fromtimestamp(int(expires), UTC),
        )
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError):
        return None
