"""What the page after an action says once: that it was done, and what is shown this once.

Both travel in cookies of the browser that acted, so that any replica can show them and a reload
shows neither again. What is secret is encrypted with the master key.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from litestar.datastructures import Cookie, Headers, MutableScopeHeaders
from litestar.response import Redirect
from litestar.types import Message, Scope

from runhook.domain.webhooks.signature import Secret
from runhook.server.access.cookies import cookie_of
from runhook.server.http.origin import is_secure
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services
from runhook.server.web.page.forms import Form
from runhook.server.web.page.rendering import see
from runhook.server.web.page.said import Done

DONE_COOKIE = "runhook_done"
ONCE_COOKIE = "runhook_once"
IS_SHOWN = "shown once"
"""In the state of a request whose page shows what a cookie brought."""
LIFETIME = timedelta(minutes=5)
"""How long what was done is waiting to be shown."""
FORM_LIFETIME = timedelta(days=1)
"""How long a form makes what it was shown for, and makes it once."""


def done(request: AnyRequest, services: Services, path: str, what: Done) -> Redirect:
    """Send a browser on to a page that says, once, what was done."""
    return see(path, cookies=[brief_cookie(request, services, DONE_COOKIE, what.value)])


def show_once(
    request: AnyRequest, services: Services, path: str, texts: Mapping[str, str]
) -> Redirect:
    """Send a browser on to a page that shows texts this once."""
    sealed = seal(services, path, texts)
    return see(path, cookies=[brief_cookie(request, services, ONCE_COOKIE, sealed)])


def shown_once(request: AnyRequest, services: Services) -> Mapping[str, str]:
    """Texts that this page shows this once; none if it has shown them."""
    sealed = request.cookies.get(ONCE_COOKIE, "")
    shown = opened(services, request.scope["path"], sealed, LIFETIME) or {}
    if shown:
        request.scope["state"][IS_SHOWN] = True
    return shown


def seal_once(services: Services, purpose: str) -> str:
    """What a form carries so that it makes one thing, however often it is sent."""
    opened_at = services.clock.now().isoformat()
    return seal(services, purpose, {"opened_at": opened_at, "salt": secrets.token_hex(32)})


def sent_once(services: Services, purpose: str, form: Form) -> tuple[datetime, bytes] | None:
    """When a form was opened, and 32 bytes that cannot be guessed.

    They are the same whenever the form is sent as it is, and others once it is changed. None if the
    form is too old, or not from a page.
    """
    kept = opened(services, purpose, form["once"], FORM_LIFETIME)
    if kept is None:
        return None
    typed = json.dumps([form.values, form.chosen], sort_keys=True)
    chance = hmac.digest(bytes.fromhex(kept["salt"]), typed.encode(), "sha256")
    return datetime.fromisoformat(kept["opened_at"]), chance


def seal(services: Services, purpose: str, texts: Mapping[str, str]) -> str:
    """Encrypt texts for a browser to bring back, for one purpose."""
    kept = {"for": purpose, "at": services.clock.now().isoformat(), "texts": dict(texts)}
    return services.store.vault.encrypt(Secret(json.dumps(kept))).decode()


def opened(
    services: Services, purpose: str, sealed: str, lifetime: timedelta
) -> Mapping[str, str] | None:
    """Texts that were sealed for this purpose; None if these were not, or too long ago."""
    try:
        kept = json.loads(services.store.vault.decrypt(sealed.encode()).reveal())
    except InvalidToken:
        return None
    # What is sealed elsewhere for browsers, such as a device, may say nothing but what it is for.
    if kept["for"] != purpose:
        return None
    if abs(services.clock.now() - datetime.fromisoformat(kept["at"])) > lifetime:
        return None
    texts: Mapping[str, str] = kept["texts"]
    return texts


def brief_cookie(request: AnyRequest, services: Services, name: str, value: str) -> Cookie:
    """Cookie for the next page."""
    return cookie_of(name, value, LIFETIME, is_secure=is_secure(request, services.public_url))


async def forget_shown(message: Message, scope: Scope) -> None:
    """Let a browser forget what the page that is sent to it shows once.

    A page that a script fetches to renew another one shows nothing of it.
    """
    if message["type"] != "http.response.start" or message["status"] != 200:
        return
    headers = MutableScopeHeaders.from_message(message)
    asked = Headers.from_scope(scope)
    is_read = asked.get("sec-fetch-dest", "document") == "document"
    if not is_read or not headers.get("content-type", "").startswith("text/html"):
        return
    shown = [DONE_COOKIE, *([ONCE_COOKIE] if IS_SHOWN in scope["state"] else [])]
    for name in shown:
        if f"{name}=" in asked.get("cookie", ""):
            gone = Cookie(key=name, value="", path="/", max_age=0, httponly=True, samesite="lax")
            headers.add("set-cookie", gone.to_header(header=""))
