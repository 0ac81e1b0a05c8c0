"""Who there is, which apps they sign in to, and what they were given: codes and refresh tokens."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from simulators.identity.scripts import ApplicationScript, PersonScript
from simulators.kit.clock import Clock
from simulators.kit.service import Refused

OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
_DEFAULT = ".default"
_CODE_MINUTES = 10
_REFRESH_HOURS = 24  # of a single-page app, however often it is renewed


@dataclass(frozen=True, slots=True)
class Resource:
    """What an access token is asked for: the resource as it was named, and the scopes of it."""

    name: str
    scopes: tuple[str, ...]

    def granted(self) -> str:
        """Return the scopes as the service answers them: ``.default`` and what it stands for."""
        names = ("user_impersonation", _DEFAULT) if _DEFAULT in self.scopes else self.scopes
        return " ".join(f"{self.name}/{one}" for one in names)


@dataclass(frozen=True, slots=True)
class Grant:
    """That a person signed in to an app, and how they are to come back."""

    tenant: str
    client_id: str
    username: str
    scope: str
    redirect_uri: str
    challenge: str
    nonce: str
    at: datetime


@dataclass(slots=True)
class _Issued:
    grant: Grant
    is_used: bool = False


class Directory:
    """Apps, people, and the codes and refresh tokens that were issued to them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget everybody and everything."""
        self.applications: dict[str, ApplicationScript] = {}
        self.people: dict[str, PersonScript] = {}
        self._codes: dict[str, _Issued] = {}
        self._refresh: dict[str, _Issued] = {}

    def application(self, client_id: str, tenant: str) -> ApplicationScript:
        """Return an app.

        Raises:
            Refused: there is none of that id in the tenant.
        """
        found = self.applications.get(client_id)
        if found is None or found.tenant != tenant:
            raise Refused(
                400,
                "unauthorized_client",
                f"AADSTS700016: Application with identifier '{client_id}' was not found in the "
                f"directory '{tenant}'.",
            )
        return found

    def code(self, grant: Grant) -> str:
        """Return a code for ``grant``."""
        return _issue(self._codes, grant)

    def redeem(self, code: str, client_id: str, redirect_uri: str, verifier: str) -> Grant:
        """Return what a code was issued for, once.

        Raises:
            Refused: it was used, is too old, or somebody else shows it.
        """
        issued = self._codes.get(code)
        if issued is None or issued.grant.client_id != client_id:
            raise invalid_grant("AADSTS70000: The provided value for the 'code' is not valid.")
        if issued.is_used:
            raise invalid_grant("AADSTS54005: OAuth2 Authorization code was already redeemed.")
        issued.is_used = True  # also if the rest is wrong: nobody tries twice
        if issued.grant.redirect_uri != redirect_uri:
            raise invalid_grant("AADSTS500112: The reply address does not match the earlier one.")
        if _challenge_of(verifier) != issued.grant.challenge:
            raise invalid_grant("AADSTS501481: The Code_Verifier does not match the challenge.")
        if self._clock.now() - issued.grant.at > timedelta(minutes=_CODE_MINUTES):
            raise invalid_grant("AADSTS70008: The provided authorization code has expired.")
        return issued.grant

    def refresh_token(self, grant: Grant) -> str:
        """Return a refresh token for ``grant``; the ones before stay good."""
        return _issue(self._refresh, grant)

    def refresh(self, token: str, client_id: str) -> Grant:
        """Return what a refresh token was issued for.

        Raises:
            Refused: it is revoked, a day old, or somebody else shows it.
        """
        issued = self._refresh.get(token)
        if issued is None or issued.grant.client_id != client_id:
            raise invalid_grant("AADSTS70000: The provided value for the 'refresh_token' is wrong.")
        if issued.is_used:
            raise invalid_grant(
                "AADSTS50173: The provided grant has expired due to it being revoked."
            )
        if self._clock.now() - issued.grant.at > timedelta(hours=_REFRESH_HOURS):
            raise invalid_grant("AADSTS700084: The refresh token was issued to a single page app.")
        return issued.grant

    def revoke(self, username: str) -> int:
        """Make all refresh tokens of a person bad; return how many there were."""
        theirs = [one for one in self._refresh.values() if one.grant.username == username]
        for one in theirs:
            one.is_used = True
        return len(theirs)


def resource_of(scope: str, app: ApplicationScript) -> Resource:
    """Return what an access token is asked for.

    Raises:
        Refused: it is none of this app's, more than one, or ``.default`` beside others.
    """
    asked = [one.rpartition("/") for one in scope.split() if one not in OPENID_SCOPES]
    names = {name for name, _, _ in asked}
    known = {app.client_id, app.identifier_uri}
    scopes = tuple(last for _, _, last in asked)
    if len(names) != 1 or not names <= known or (_DEFAULT in scopes and len(scopes) > 1):
        raise Refused(
            400, "invalid_scope", f"AADSTS70011: The provided value for 'scope' {scope} is invalid."
        )
    return Resource(names.pop(), scopes)


def is_from_page_of(app: ApplicationScript, origin: str) -> bool:
    """Tell whether a page of the app can be where the request comes from."""
    return origin in {"{0.scheme}://{0.netloc}".format(urlsplit(one)) for one in app.redirect_uris}


def renewed(grant: Grant, scope: str) -> Grant:
    """Return the same grant for other scopes; it ends when it would have."""
    return replace(grant, scope=scope)


def invalid_grant(message: str) -> Refused:
    """Return the refusal after which a person has to sign in again (RFC 6749, section 5.2)."""
    return Refused(400, "invalid_grant", message)


def _issue(book: dict[str, _Issued], grant: Grant) -> str:
    name = secrets.token_urlsafe(32)
    book[name] = _Issued(grant)
    return name


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
