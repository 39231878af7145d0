"""The way to an identity provider, and back from it."""

from collections import Counter

from litestar import Router, get
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from runhook.domain.errors import NotFoundError
from runhook.domain.people.identities import SignInRefusedError
from runhook.server.access.authentication import Access, authorize, open_to
from runhook.server.access.cookies import no_cookie, prefix_of
from runhook.server.access.openid.flow import STARTED_COOKIE, finish_sign_in, start_sign_in
from runhook.server.access.openid.provider import Provider
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.addresses import local_path
from runhook.server.web.page.errors import show_error
from runhook.server.web.page.forms import WHOLE, Form
from runhook.server.web.page.rendering import see
from runhook.server.web.people.identity import sign_in_page, welcome


@get("/sign-in/provider", **open_to(Access.ANYONE))
async def begin(
    request: AnyRequest, services: Serving, following: FromQuery[str] = "/"
) -> Redirect:
    """Send a browser to the provider."""
    provider = provider_of(services)
    address, cookie = await start_sign_in(request, services, provider, local_path(following))
    return see(address, cookies=[cookie])


@get("/sign-in/provider/callback", **open_to(Access.ANYONE, acts=True, is_led_to=True))
async def come_back(request: AnyRequest, services: Serving) -> Template | Redirect:
    """Sign in who comes back from the provider, and lead them on."""
    provider = provider_of(services)
    sent = Counter(name for name, _ in request.query_params.multi_items())
    once = {name: request.query_params[name] for name, times in sent.items() if times == 1}
    try:
        finished = await finish_sign_in(request, services, provider, once)
    except SignInRefusedError as error:
        form = Form({"following": "/"})
        form.refuse(WHOLE, error.message)
        answer: Template | Redirect = sign_in_page(services, form)
    else:
        answer = welcome(request, services, finished.begun, finished.following)
    answer.set_cookie(no_cookie(STARTED_COOKIE, prefix=prefix_of(request, services.public_url)))
    return answer


def provider_of(services: Services) -> Provider:
    """The provider.

    Raises:
        NotFoundError: there is none.
    """
    if services.provider is None:
        raise NotFoundError
    return services.provider


router = Router(
    "/",
    route_handlers=[begin, come_back],
    guards=[authorize],
    exception_handlers={Exception: show_error},
)
