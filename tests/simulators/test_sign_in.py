"""Signing in with the identity provider, as a careful page and as careless ones."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest

from simulators.client import IdentitySimulator
from tests.support.simulators import identity, identity_process

__all__ = ["identity", "identity_process"]

TENANT = "00000000-0000-4000-8000-0000000000aa"
CLIENT = "00000000-0000-4000-8000-0000000000d1"
URI = "api://mend"
PAGE = "http://127.0.0.1:7071"
BACK = f"{PAGE}/sign-in"
VERIFIER = "a-verifier-that-nobody-guesses-and-that-is-long-enough"
SCOPE = f"openid profile offline_access {CLIENT}/.default"
LOGIN = f"/{TENANT}/oauth2/v2.0/authorize"
TOKEN = f"/{TENANT}/oauth2/v2.0/token"


@pytest.fixture
def browser(identity: IdentitySimulator) -> Iterator[httpx.Client]:
    """Somebody's browser; an app and two people are known."""
    identity.register(TENANT, CLIENT, [BACK], identifier_uri=URI)
    identity.invite("ana@example.com", "Mend.Viewer", name="Ana <Admin>")
    identity.invite("ben@example.com")
    with httpx.Client(base_url=identity.url, trust_env=False) as found:
        yield found


def asking(**other: str) -> dict[str, str]:
    """Return what a careful page sends along."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    usual = {
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "response_type": "code",
        "response_mode": "fragment",
        "scope": SCOPE,
        "state": "s1",
        "nonce": "n1",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": "ana@example.com",
    }
    return {name: value for name, value in {**usual, **other}.items() if value}


def back(answer: httpx.Response) -> dict[str, str]:
    """Return what the browser brings back to the page."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BACK
    return dict(parse_qsl(parts.fragment or parts.query))


def redeeming(browser: httpx.Client, **other: str) -> httpx.Response:
    """Redeem a fresh code, but for what is ``other``."""
    code = other.pop("code", "") or back(browser.get(LOGIN, params=asking()))["code"]
    origin = other.pop("origin", PAGE)
    form = {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **other,
    }
    headers = {"Origin": origin} if origin != "none" else {}
    return browser.post(TOKEN, data=form, headers=headers)


def renewing(browser: httpx.Client, token: str, scope: str = SCOPE) -> httpx.Response:
    """Use a refresh token."""
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT,
        "refresh_token": token,
        "scope": scope,
    }
    return browser.post(TOKEN, data=form, headers={"Origin": PAGE})


def claims_of(token: str) -> dict[str, Any]:
    """Return what stands in a token."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_code_is_worth_tokens_once(identity: IdentitySimulator, browser: httpx.Client) -> None:
    """An access token for the API, an ID token for the page, a refresh token."""
    came = back(browser.get(LOGIN, params=asking()))
    first, second = (redeeming(browser, code=came["code"]) for _ in range(2))
    access, person = (claims_of(first.json()[name]) for name in ("access_token", "id_token"))

    assert came["state"] == "s1"
    assert (access["aud"], access["roles"], access["ver"]) == (CLIENT, ["Mend.Viewer"], "1.0")
    assert (person["nonce"], person["name"]) == ("n1", "Ana <Admin>")
    assert first.json()["scope"] == f"{CLIENT}/user_impersonation {CLIENT}/.default"
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert "AADSTS54005" in second.json()["error_description"]
    assert identity.effects("redeem") == ["ana@example.com"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"code_verifier": "another"}, "AADSTS501481"),
        ({"redirect_uri": f"{PAGE}/other"}, "AADSTS500112"),
        ({"code": "made-up"}, "AADSTS70000"),
        ({"client_id": "made-up"}, "AADSTS700016"),
        ({"origin": "https://elsewhere.example"}, "AADSTS9002327"),
        ({"origin": "none"}, "AADSTS9002327"),
        ({"grant_type": "password"}, "AADSTS70003"),
    ],
)
def test_a_code_is_worth_nothing_else(
    browser: httpx.Client, other: dict[str, str], said: str
) -> None:
    """With another verifier, address or app, or from a page elsewhere."""
    answer = redeeming(browser, **other)
    assert answer.status_code == 400
    assert said in answer.json()["error_description"]


def test_a_wrong_verifier_spends_the_code(browser: httpx.Client) -> None:
    """Whoever guesses, guesses once."""
    code = back(browser.get(LOGIN, params=asking()))["code"]
    redeeming(browser, code=code, code_verifier="another")
    assert "AADSTS54005" in redeeming(browser, code=code).text


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"redirect_uri": f"{BACK}/"}, "AADSTS50011"),
        ({"redirect_uri": "https://elsewhere.example"}, "AADSTS50011"),
        ({"client_id": "made-up"}, "AADSTS700016"),
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_known(
    browser: httpx.Client, other: dict[str, str], said: str
) -> None:
    """A person is told instead."""
    answer = browser.get(LOGIN, params=asking(**other))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert said in answer.text


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid api://other/.default"}, "invalid_scope"),
        ({"scope": f"openid {CLIENT}/.default {CLIENT}/x"}, "invalid_scope"),
        ({"prompt": "none", "login_hint": ""}, "login_required"),
    ],
)
def test_the_page_is_told_what_is_wrong(
    browser: httpx.Client, other: dict[str, str], error: str
) -> None:
    """And gets its state back, but no code."""
    came = back(browser.get(LOGIN, params=asking(**other)))
    assert (came["error"], came["state"], "code" in came) == (error, "s1", False)


def test_a_person_chooses_once(browser: httpx.Client) -> None:
    """A link each, nothing in it is markup; then the browser is known until it signs out."""
    page = browser.get(LOGIN, params=asking(login_hint=""))
    assert "Ana &lt;Admin&gt;" in page.text
    assert "login_hint=ben%40example.com" in page.text

    browser.get(LOGIN, params=asking(login_hint="ben@example.com"))
    assert "code" in back(browser.get(LOGIN, params=asking(login_hint="")))
    assert browser.get(LOGIN, params=asking(prompt="select_account")).status_code == 200
    out = browser.get(
        f"/{TENANT}/oauth2/v2.0/logout", params={"post_logout_redirect_uri": BACK, "state": "s2"}
    )
    assert out.headers["location"] == f"{BACK}?state=s2"
    assert browser.get(LOGIN, params=asking(login_hint="")).status_code == 200


def test_the_way_out_leads_to_known_addresses_only(browser: httpx.Client) -> None:
    """Else it ends here."""
    out = browser.get(
        f"/{TENANT}/oauth2/v2.0/logout",
        params={"post_logout_redirect_uri": "https://elsewhere.example"},
    )
    assert (out.status_code, "You signed out" in out.text) == (200, True)


def test_a_renewal_has_the_roles_of_now(identity: IdentitySimulator, browser: httpx.Client) -> None:
    """Until it is revoked; the old refresh token stays good, as there."""
    before = redeeming(browser).json()
    identity.invite("ana@example.com", "Mend.Admin")
    after = renewing(browser, before["refresh_token"]).json()

    assert claims_of(after["access_token"])["roles"] == ["Mend.Admin"]
    assert after["refresh_token"] != before["refresh_token"]
    assert renewing(browser, before["refresh_token"]).is_success
    assert identity.revoke("ana@example.com") == 3
    refused = renewing(browser, after["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("", "AADSTS90009"),
        (f"{URI}/.default", "AADSTS90009"),
        (f"{CLIENT}/user_impersonation {CLIENT}/.default", "AADSTS70011"),
    ],
)
def test_an_app_asks_for_itself_by_its_id(browser: httpx.Client, scope: str, said: str) -> None:
    """And for ``.default`` alone: not for the scopes that the answer before has listed."""
    refused = renewing(browser, redeeming(browser).json()["refresh_token"], scope)
    assert (refused.status_code, said in refused.text) == (400, True)


def test_a_day_later_a_person_signs_in_again() -> None:
    """However often the token was renewed."""
    with IdentitySimulator.start(manual_clock=True) as identity:
        identity.register(TENANT, CLIENT, [BACK], version=2)
        identity.invite("ana@example.com")
        with httpx.Client(base_url=identity.url, trust_env=False) as browser:
            token = redeeming(browser).json()["refresh_token"]
            identity.advance(23 * 3600)
            renewed = renewing(browser, token).json()
            assert claims_of(renewed["access_token"])["preferred_username"] == "ana@example.com"
            identity.advance(2 * 3600)
            assert "AADSTS700084" in renewing(browser, renewed["refresh_token"]).text


def test_an_old_code_is_worth_nothing() -> None:
    """Ten minutes."""
    with IdentitySimulator.start(manual_clock=True) as identity:
        identity.register(TENANT, CLIENT, [BACK])
        identity.invite("ana@example.com")
        with httpx.Client(base_url=identity.url, trust_env=False) as browser:
            code = back(browser.get(LOGIN, params=asking()))["code"]
            identity.advance(11 * 60)
            assert "AADSTS70008" in redeeming(browser, code=code).text
