"""Members and invitations of an account; accepting one; what users change of themselves."""

from litestar import Response, Router, delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from runhook.domain.errors import InvalidError
from runhook.domain.people.permissions import Permission
from runhook.domain.people.users import UserId
from runhook.operations.people.invite import accept_as, withdraw
from runhook.operations.people.mail_links import invite_by_mail
from runhook.operations.people.users import change_role, remove_member, rename_user
from runhook.server.access.authentication import (
    LARGEST_BODY_OF_STRANGERS,
    Access,
    client_address,
    needs,
    open_to,
    session_if_any,
)
from runhook.server.access.signing_in import accept_throttled, change_own_password
from runhook.server.api.people.sessions import WhoOut, signed_in, whoami
from runhook.server.api.people.users_wire import (
    AcceptIn,
    InvitationIn,
    InvitationOut,
    MemberIn,
    MemberOut,
    RemovedOut,
    UserIn,
    UserOut,
    WithdrawnOut,
    shown_invitation,
    shown_member,
    shown_user,
)
from runhook.server.api.wire import Envelope, Paged, created, page_envelope
from runhook.server.http.origin import base_url
from runhook.server.http.request import AnyRequest
from runhook.server.services import Calling, InSession, Serving
from runhook.storage.people.invitations import count_invitations, list_invitations
from runhook.storage.people.users import count_members, list_members


@get("/members", **needs(Permission.READ_MEMBERS))
async def list_all_members(
    services: Serving, caller: Calling, page: Paged
) -> Envelope[list[MemberOut]]:
    """List the account's members, who was first before who came later."""
    async with services.store.read() as tx:
        members = await list_members(tx, caller.account_id, limit=page.limit, offset=page.offset)
        total = await count_members(tx, caller.account_id)
    shown = [shown_member(member) for member in members]
    return page_envelope(shown, page, total=total)


@put("/members/{user_id:int}", **needs(Permission.MANAGE_MEMBERS))
async def change_member(
    services: Serving, caller: Calling, user_id: FromPath[int], data: JSONBody[MemberIn]
) -> Envelope[MemberOut]:
    """Give a member another role; only owners make and remove owners."""
    member = await change_role(
        services.context(caller.actor), caller.account_id, UserId(user_id), data.role
    )
    return Envelope(data=shown_member(member))


@delete("/members/{user_id:int}", status_code=200, **needs(Permission.MANAGE_MEMBERS))
async def remove(
    services: Serving, caller: Calling, user_id: FromPath[int]
) -> Envelope[RemovedOut]:
    """Make a user no member of the account, from their next request on."""
    await remove_member(services.context(caller.actor), caller.account_id, UserId(user_id))
    return Envelope(data=RemovedOut(user_id=user_id))


@get("/invitations", **needs(Permission.MANAGE_MEMBERS))
async def list_open_invitations(
    services: Serving, caller: Calling, page: Paged
) -> Envelope[list[InvitationOut]]:
    """List the account's open invitations, the newest first."""
    async with services.store.read() as tx:
        found = await list_invitations(tx, caller.account_id, limit=page.limit, offset=page.offset)
        total = await count_invitations(tx, caller.account_id)
    shown = [shown_invitation(invitation) for invitation in found]
    return page_envelope(shown, page, total=total)


@post("/invitations", **needs(Permission.MANAGE_MEMBERS))
async def create_invitation(
    request: AnyRequest, services: Serving, caller: Calling, data: JSONBody[InvitationIn]
) -> Envelope[InvitationOut]:
    """Invite a person; the response holds the link, this once.

    With an `email`, it is mailed where the service has a mail server and a public URL.
    """
    invited = await invite_by_mail(
        services.context(caller.actor),
        services.sender,
        caller.account_id,
        data.role,
        email=data.email,
        base=base_url(request, services.public_url),
        public_url=services.public_url,
    )
    return created(shown_invitation(invited.invitation, invited.link, invited.mailed))


@delete("/invitations/{invitation_id:int}", status_code=200, **needs(Permission.MANAGE_MEMBERS))
async def withdraw_invitation(
    services: Serving, caller: Calling, invitation_id: FromPath[int]
) -> Envelope[WithdrawnOut]:
    """Make an invitation's link useless."""
    await withdraw(services.context(caller.actor), caller.account_id, invitation_id)
    return Envelope(data=WithdrawnOut(id=invitation_id))


@post(
    "/v3/invitations/accept",
    request_max_body_size=LARGEST_BODY_OF_STRANGERS,
    **open_to(Access.ANYONE),
)
async def accept(
    request: AnyRequest, services: Serving, data: JSONBody[AcceptIn]
) -> Response[Envelope[WhoOut]]:
    """Accept an invitation: signed in, as a user with their password, or as a new one."""
    session = await session_if_any(request, services)
    if session is not None:
        address = client_address(request)
        await accept_as(services.store, data.secret, session, address=address, clock=services.clock)
        return Response(created(await whoami(services, session)), status_code=201)
    begun = await accept_throttled(request, services, data.secret, data.to_answer())
    return await signed_in(request, services, begun)


@put("/v3/user", **open_to(Access.ANY_USER))
async def change_user(
    request: AnyRequest, services: Serving, session: InSession, data: JSONBody[UserIn]
) -> Envelope[UserOut]:
    """Change one's own name or password; a new password ends one's other sessions."""
    user = session.user
    if data.password is not UNSET:
        if data.current_password is UNSET:
            raise InvalidError("give your present password too", field="current_password")
        await change_own_password(
            request, services, session, present=data.current_password, password=data.password
        )
    if data.name is not UNSET:
        user = await rename_user(services.store, session, data.name)
    return Envelope(data=shown_user(user))


router = Router(
    "/",
    route_handlers=[
        list_all_members,
        change_member,
        remove,
        list_open_invitations,
        create_invitation,
        withdraw_invitation,
    ],
)
