"""When are two alerts about the same broken thing?"""

import hashlib
import json
import unicodedata

from shared.domain.alert import Alert, Platform

_CHARS = 32  # 128 bits: enough against chance, short enough to read


def fingerprint(alert: Alert) -> str:
    """Return the identity of what is broken, the same for every alert about it.

    It is made of platform, scope, kind and name; for other platforms, which have no scope
    of their own, of service and alert name, with the first configuration item in place of
    a missing service: a full disk on another host is another thing. Run id, time and free
    text stay out: most alerts arrive before anybody has read the error, and the next run of
    a broken pipeline belongs to the ticket that is open for it.
    """
    resource = alert.resource
    if resource.platform is Platform.OTHER:
        place = alert.service or next(iter(alert.ci), "")
        parts = [resource.platform.value, place, resource.name]
    else:
        parts = [resource.platform.value, resource.scope, resource.kind, resource.name]
    # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") differ.
    text = json.dumps([_folded(part) for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()[:_CHARS]


def _folded(part: str) -> str:
    return unicodedata.normalize("NFC", part.strip().casefold())
