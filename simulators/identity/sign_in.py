"""Signing people in: the authorization endpoint, the token endpoint and the way out.

OAuth 2.0 authorization code flow with PKCE (RFC 6749, RFC 7636), for single-page apps only.
"""

from collections.abc import Mapping
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode

from simulators.identity import pages
from simulators.identity.directory import (
    Directory,
    Grant,
    Resource,
    invalid_grant,
    is_from_page_of,
    renewed,
    resource_of,
)
from simulators.identity.model import Authority
from simulators.identity.scripts import ApplicationScript, PersonScript, TokenScript
from simulators.identity.tokens import access_claims, id_claims
from simulators.kit.clock import Clock
from simulators.kit.service import Answer, Call, Refused

_COOKIE = "simulated_session"


class SignIn:
    """What a browser and a page see of the provider."""

    def __init__(self, authority: Authority, directory: Directory, clock: Clock) -> None:
        self._authority = authority
        self._directory = directory
        self._clock = clock

    def authorize(self, call: Call) -> Answer:
        """Ask who it is, or send the browser back with a code.

        An app or an address that is not known gets nothing sent to it: a person sees the reason.
        """
        asked, tenant = call.query, call.target
        try:
            app = self._directory.application(asked.get("client_id", ""), tenant)
            _refuse_unless_registered(asked.get("redirect_uri", ""), app)
        except Refused as refusal:
            return Answer(refusal.status, page=pages.trouble(refusal.message or ""))
        try:
            person = self._who(call, app)
        except Refused as refusal:
            said = {"error": refusal.code or "", "error_description": refusal.message or ""}
            return _back(asked, said)
        if person is None:
            return Answer(page=pages.choice(call.path, asked, self._directory.people.values()))
        code = self._directory.code(
            Grant(
                tenant=tenant,
                client_id=app.client_id,
                username=person.username,
                scope=asked.get("scope", ""),
                redirect_uri=asked["redirect_uri"],
                challenge=asked["code_challenge"],
                nonce=asked.get("nonce", ""),
                at=self._clock.now(),
            )
        )
        cookie = f"{_COOKIE}={person.username}; Path=/; HttpOnly; SameSite=Lax"
        return _back(asked, {"code": code}, {"Set-Cookie": cookie}, effect=person.username)

    def redeem(self, call: Call) -> Answer:
        """Give tokens for a code or for a refresh token."""
        form = {name: values[0] for name, values in parse_qs(str(call.body or "")).items()}
        app = self._directory.application(form.get("client_id", ""), call.target)
        if not is_from_page_of(app, call.headers.get("origin", "")):
            raise Refused(
                400,
                "invalid_request",
                "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may "
                "only be redeemed via cross-origin requests.",
            )
        match form.get("grant_type"):
            case "authorization_code":
                grant = self._directory.redeem(
                    form.get("code", ""),
                    app.client_id,
                    form.get("redirect_uri", ""),
                    form.get("code_verifier", ""),
                )
            case "refresh_token":
                before = self._directory.refresh(form.get("refresh_token", ""), app.client_id)
                grant = renewed(before, form.get("scope", ""))
                _refuse_itself_by_name(grant, app)
            case other:
                raise Refused(
                    400,
                    "unsupported_grant_type",
                    f"AADSTS70003: The app requested an unsupported grant type '{other}'.",
                )
        return self._tokens(grant, app)

    def end_session(self, call: Call) -> Answer:
        """Forget who it was; send the browser back where the app is known to be."""
        wanted = call.query.get("post_logout_redirect_uri", "")
        known = {uri for app in self._directory.applications.values() for uri in app.redirect_uris}
        headers = {"Set-Cookie": f"{_COOKIE}=; Path=/; Max-Age=0"}
        if wanted not in known:
            return Answer(page=pages.signed_out(), headers=headers)
        state = call.query.get("state")
        query = f"?{urlencode({'state': state})}" if state else ""
        return Answer(302, headers={**headers, "Location": f"{wanted}{query}"})

    def _who(self, call: Call, app: ApplicationScript) -> PersonScript | None:
        """Return who signs in; ``None``: they have yet to say.

        Raises:
            Refused: the request is wrong, or nobody may be asked and nobody is known.
        """
        asked = call.query
        if asked.get("response_type") != "code":
            raise Refused(
                400,
                "unsupported_response_type",
                "AADSTS700054: response_type must be 'code' for this application.",
            )
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise Refused(
                400,
                "invalid_request",
                "AADSTS9002325: Proof Key for Code Exchange is required for cross-origin "
                "authorization code redemption.",
            )
        resource_of(asked.get("scope", ""), app)
        prompt = asked.get("prompt", "")
        named = asked.get("login_hint") or _remembered(call.headers)
        known = self._directory.people.get(named) if prompt in {"", "none"} else None
        if known is None and prompt == "none":
            raise Refused(400, "login_required", "AADSTS50058: No user is signed in.")
        return known

    def _tokens(self, grant: Grant, app: ApplicationScript) -> Answer:
        person = self._directory.people.get(grant.username)
        if person is None:
            raise invalid_grant("AADSTS50034: The user account does not exist in the directory.")
        resource = resource_of(grant.scope, app)
        body: dict[str, object] = {
            "token_type": "Bearer",
            "scope": resource.granted(),
            "expires_in": int(app.lifetime_seconds),
            "access_token": self._access_token(grant, app, person, resource),
        }
        scopes = grant.scope.split()
        if "offline_access" in scopes:
            body["refresh_token"] = self._directory.refresh_token(grant)
        if "openid" in scopes:
            claims = id_claims(person, app, grant.nonce)
            body["id_token"] = self._authority.mint(
                TokenScript(tenant=grant.tenant, claims=claims)
            ).text
        return Answer(body=body, headers={"Cache-Control": "no-store"}, effect=grant.username)

    def _access_token(
        self, grant: Grant, app: ApplicationScript, person: PersonScript, resource: Resource
    ) -> str:
        script = TokenScript(
            tenant=grant.tenant,
            version=app.version,
            claims={**access_claims(person, app, resource), **app.claims},
            lifetime_seconds=app.lifetime_seconds,
        )
        return self._authority.mint(script).text


def _refuse_unless_registered(redirect_uri: str, app: ApplicationScript) -> None:
    """Refuse an address that is not, to the letter, one of the app's.

    Raises:
        Refused: it is not.
    """
    if redirect_uri not in app.redirect_uris:
        raise Refused(
            400,
            "invalid_request",
            f"AADSTS50011: The redirect URI '{redirect_uri}' does not match the redirect URIs "
            "configured for the application.",
        )


def _refuse_itself_by_name(grant: Grant, app: ApplicationScript) -> None:
    """Refuse a renewal that names the app by anything but its id, or not at all.

    Raises:
        Refused: it does.
    """
    if f"{app.client_id}/" not in grant.scope:
        raise Refused(
            400,
            "invalid_request",
            f"AADSTS90009: Application '{app.client_id}' is requesting a token for itself. This "
            "scenario is supported only if resource is specified using the GUID based App "
            "Identifier.",
        )


def _remembered(headers: Mapping[str, str]) -> str:
    cookies: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
    return cookies[_COOKIE].value if _COOKIE in cookies else ""


def _back(
    asked: Mapping[str, str],
    said: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    *,
    effect: str | None = None,
) -> Answer:
    """Return the way back to the app, in the fragment or the query as it wished."""
    state = {"state": asked["state"]} if asked.get("state") else {}
    mark = "#" if asked.get("response_mode") == "fragment" else "?"
    location = f"{asked['redirect_uri']}{mark}{urlencode({**said, **state})}"
    return Answer(302, headers={**(headers or {}), "Location": location}, effect=effect)
