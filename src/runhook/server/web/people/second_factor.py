"""The page of a user's second factor: set up, recovery codes, turned off."""

from collections.abc import Awaitable, Callable

import segno
from litestar import Router, get, post
from litestar.di import Provide
from litestar.response import Redirect, Template
from markupsafe import Markup

from runhook.domain.errors import ForbiddenError, LimitedError, WrongPasswordError
from runhook.domain.people.second_factors import WrongCodeError
from runhook.domain.people.users import SignInMethod
from runhook.operations.people.second_factors import (
    Enrolment,
    begin_enrolment,
    confirm_enrolment,
    look_at_second_factor,
    remove_second_factor,
    renew_recovery_codes,
)
from runhook.server.access.authentication import (
    Access,
    authorize,
    client_address,
    open_to,
    provide_session,
)
from runhook.server.access.signing_in import password_attempt
from runhook.server.http.request import AnyRequest
from runhook.server.services import InSession, Services, Serving
from runhook.server.web.page.errors import show_error
from runhook.server.web.page.forms import Form
from runhook.server.web.page.once import done, show_once, shown_once
from runhook.server.web.page.rendering import see
from runhook.server.web.page.said import Done
from runhook.server.web.people.identity import form_page
from runhook.storage.people.sessions import ValidSession

MakesCodes = Callable[..., Awaitable[list[str]]]
"""An operation that a code of the app lets make recovery codes."""
PATH = "/profile/second-factor"
MODULE = 5
"""Pixels of one module of the picture."""


@get(PATH, **open_to(Access.ANY_USER))
async def show(request: AnyRequest, services: Serving, session: InSession) -> Template:
    """Show the state of the second factor, and recovery codes that were just made."""
    check_is_theirs(session)
    codes = shown_once(request, services).get("codes", "")
    return await second_factor_page(services, session, Form(), codes=codes)


@post(PATH, status_code=200, **open_to(Access.ANY_USER))
async def begin(services: Serving, session: InSession) -> Redirect:
    """Make a secret for an app."""
    check_is_theirs(session)
    await begin_enrolment(services.store, session, clock=services.clock)
    return see(PATH)


@post(f"{PATH}/confirm", status_code=200, **open_to(Access.ANY_USER))
async def confirm(
    request: AnyRequest, services: Serving, session: InSession
) -> Template | Redirect:
    """Turn the second factor on with the app's first code."""
    return await new_codes(request, services, session, confirm_enrolment)


@post(f"{PATH}/recovery-codes", status_code=200, **open_to(Access.ANY_USER))
async def renew(request: AnyRequest, services: Serving, session: InSession) -> Template | Redirect:
    """Make other recovery codes."""
    return await new_codes(request, services, session, renew_recovery_codes)


async def new_codes(
    request: AnyRequest, services: Services, session: ValidSession, make: MakesCodes
) -> Template | Redirect:
    """Show the recovery codes that a code of the app gives, once, or what was wrong with it."""
    check_is_theirs(session)
    form = await Form.sent_with(request, "code")
    try:
        codes = await make(
            services.store,
            session,
            form["code"],
            address=client_address(request),
            clock=services.clock,
        )
    except WrongCodeError as error:
        form.refuse("code", error.message)
    except LimitedError as error:
        return await second_factor_page(services, session, form, limited=error)
    else:
        return show_once(request, services, PATH, {"codes": "\n".join(codes)})
    return await second_factor_page(services, session, form)


@post(f"{PATH}/remove", status_code=200, **open_to(Access.ANY_USER))
async def remove(request: AnyRequest, services: Serving, session: InSession) -> Template | Redirect:
    """Turn the second factor off."""
    check_is_theirs(session)
    form = await Form.sent_with(request, "password", "last_code")
    try:
        async with password_attempt(request, services, session.user.email, session):
            await remove_second_factor(
                services.store,
                session,
                password=form["password"],
                code=form["last_code"],
                address=client_address(request),
                passwords=services.passwords,
                clock=services.clock,
            )
    except WrongCodeError as error:
        form.refuse("last_code", error.message)
    except WrongPasswordError as error:
        form.refuse("password", error.message)
    except LimitedError as error:
        return await second_factor_page(services, session, form, limited=error)
    else:
        return done(request, services, "/profile", Done.SECOND_FACTOR_REMOVED)
    return await second_factor_page(services, session, form)


def check_is_theirs(session: ValidSession) -> None:
    """Make sure that somebody has signed in with a password, which a second factor goes with.

    Raises:
        ForbiddenError: they have not.
    """
    if session.session.method is not SignInMethod.PASSWORD:
        raise ForbiddenError(
            "A second factor goes with a password, and you have signed in otherwise."
        )


async def second_factor_page(
    services: Services,
    session: ValidSession,
    form: Form,
    *,
    codes: str = "",
    limited: LimitedError | None = None,
) -> Template:
    """Page of a user's second factor."""
    standing = await look_at_second_factor(services.store, session.user)
    return form_page(
        "second_factor",
        form,
        session.user,
        limited,
        standing=standing,
        codes=codes,
        picture=picture_of(standing.enrolment),
    )


def picture_of(enrolment: Enrolment | None) -> Markup:
    """Picture that an app reads, as SVG within the page; empty for nothing to read."""
    if enrolment is None:
        return Markup()
    drawn = segno.make(enrolment.address, error="m", micro=False)
    return Markup(  # noqa: S704 - squares alone, with no text of a user's
        drawn.svg_inline(scale=MODULE, light="#fff", title="QR code for an authenticator app")
    )


router = Router(
    "/",
    route_handlers=[show, begin, confirm, renew, remove],
    guards=[authorize],
    dependencies={"session": Provide(provide_session)},
    exception_handlers={Exception: show_error},
)
