"""The pages for those who forgot their password: asking for a link, and choosing another one.

They ask only where the service sends mail, and knows its own address for the link. Who has a link,
by mail or from an operator, chooses another password anywhere.
"""

from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Template

from runhook.domain.errors import InvalidError, LimitedError, NotFoundError
from runhook.domain.people.users import User, check_email
from runhook.operations.people.new_passwords import look_at_reset
from runhook.server.access.authentication import (
    LARGEST_BODY_OF_STRANGERS,
    Access,
    authorize,
    open_to,
)
from runhook.server.access.forgotten import ask_for_link, choose_password, mails_links
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.errors import show_error
from runhook.server.web.page.forms import Form
from runhook.server.web.people.identity import form_page


@get("/forgotten-password", **open_to(Access.ANYONE))
async def show_forgotten(services: Serving) -> Template:
    """Ask for the e-mail address of who forgot their password."""
    check_offered(services)
    return forgotten_page(Form({"email": ""}))


@post(
    "/forgotten-password",
    status_code=200,
    request_max_body_size=LARGEST_BODY_OF_STRANGERS,
    **open_to(Access.ANYONE),
)
async def mail_link(request: AnyRequest, services: Serving) -> Template:
    """Mail a link to a user; the answer is the same whether there is one."""
    check_offered(services)
    form = await Form.sent_with(request, "email")
    form.check("email", check_email)
    if form.errors:
        return forgotten_page(form)
    try:
        ask_for_link(request, services, form["email"])
    except LimitedError as error:
        return forgotten_page(form, limited=error)
    return forgotten_page(form, is_asked=True)


@get("/new-password/{secret:str}", **open_to(Access.ANYONE))
async def show_new_password(services: Serving, secret: FromPath[str]) -> Template:
    """Ask for another password; a link that is only looked at still works."""
    user = await look_at_reset(services.store, secret)
    return new_password_page(Form({"password": ""}), user)


@post(
    "/new-password/{secret:str}",
    status_code=200,
    request_max_body_size=LARGEST_BODY_OF_STRANGERS,
    **open_to(Access.ANYONE),
)
async def set_new_password(
    request: AnyRequest, services: Serving, secret: FromPath[str]
) -> Template:
    """Replace a user's password, and let them sign in with it."""
    user = await look_at_reset(services.store, secret)
    form = await Form.sent_with(request, "password")
    try:
        await choose_password(request, services, secret, user, form["password"])
    except InvalidError as error:
        form.refuse(error.field, error.sentence)
    except LimitedError as error:
        return new_password_page(form, user, limited=error)
    else:
        return new_password_page(form, user, is_done=True)
    return new_password_page(form, user)


def check_offered(services: Services) -> None:
    """Show nothing of a page that could do nothing.

    Raises:
        NotFoundError: no link can be mailed.
    """
    if not mails_links(services):
        raise NotFoundError


def forgotten_page(
    form: Form, *, limited: LimitedError | None = None, is_asked: bool = False
) -> Template:
    """Page on which a link is asked for."""
    return form_page("forgotten_password", form, None, limited, is_asked=is_asked)


def new_password_page(
    form: Form, user: User, *, limited: LimitedError | None = None, is_done: bool = False
) -> Template:
    """Page on which another password is chosen."""
    return form_page("new_password", form, None, limited, email=user.email, is_done=is_done)


router = Router(
    "/",
    route_handlers=[show_forgotten, mail_link, show_new_password, set_new_password],
    guards=[authorize],
    exception_handlers={Exception: show_error},
)
