"""Sends one message over the operator's mail server, and makes its answer an outcome.

The server is the operator's own, as a proxy is: policy does not judge its address. Each message has
a connection of its own. All of it is within one deadline, which ``Sender`` keeps; what a server may
say is bounded by the library.
"""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, AddressFamily, socket

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from runhook.domain.deliveries.judging import FailureReason, Outcome
from runhook.domain.formats.format import SMTP_COMMAND
from runhook.domain.messages.letters import from_line
from runhook.domain.messages.mailboxes import MailAccount, MailServer, Security
from runhook.domain.messages.text import fit, one_line
from runhook.domain.network.destinations import EndpointUrl
from runhook.domain.options.declaring import MASK
from runhook.domain.webhooks.tls import USUAL_TLS
from runhook.outbound.answers import BODY_KEPT_LIMIT
from runhook.outbound.connection import ClosedError
from runhook.outbound.dialling import Dialler, HandshakeError, handshake_error
from runhook.outbound.guard import make_socket
from runhook.outbound.pool import Bounds, Slots
from runhook.outbound.tls import Contexts
from runhook.outbound.trip import Trip, TripStage

CONNECTIONS = Bounds(in_all=4, to_one_host=4)
"""Few: mail services limit the connections of one client, and block clients that have more."""
FOR_TESTS = Bounds(in_all=2, to_one_host=2)
FAREWELL_SECONDS = 2
CLOSING = 421
"""The server closes the connection; it may say so at any time."""
WORDS = 300
NOT_SET_UP = (
    "No mail is sent from here: the service has no mail server. Set RUNHOOK_SMTP_URL and "
    "RUNHOOK_SMTP_FROM where it runs."
)


class NotSmtpError(OSError):
    """What came is not an answer of a mail server."""


class NoTlsError(OSError):
    """The mail server does not offer the TLS that is required."""


class NoLoginError(OSError):
    """The mail server offers no way to log in that we know."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A connection to a mail server."""

    client: SMTP
    dialled: socket
    """The socket under it."""

    async def say_goodbye(self) -> None:
        """Close it properly, if that does not take long."""
        try:
            with suppress(OSError, SMTPException):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self.client.quit()
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Close it at once: closing TLS would wait for the server."""
        with suppress(OSError):
            self.dialled.shutdown(SHUT_RDWR)
        self.client.close()


class Mailer:
    """Sends messages.

    Args:
        account: what they are sent with.
        dialler: makes connections.
        contexts: TLS.
    """

    def __init__(self, account: MailAccount, dialler: Dialler, contexts: Contexts) -> None:
        self._account = account
        self._dialler = dialler
        self._contexts = contexts
        self._slots = Slots(CONNECTIONS)
        self._slots_for_tests = Slots(FOR_TESTS)
        self._parting: dict[asyncio.Task[None], Conversation] = {}

    def close(self) -> None:
        """Abort the conversations that are still saying goodbye."""
        for task, conversation in self._parting.items():
            task.cancel()
            conversation.hang_up()

    async def send(
        self, recipients: Sequence[str], letter: bytes, trip: Trip, *, is_test: bool
    ) -> Outcome:
        """Send a letter; an answer that refuses it is an outcome, too. It has no duration yet.

        Raises:
            OSError: there was no answer; the subclass says at which step.
        """
        server = self._account.server
        trip.url = EndpointUrl(scheme="smtp", host=server.host, port=server.port, target="")
        slots = self._slots_for_tests if is_test else self._slots
        await slots.take(server.place)
        try:
            return await self._deliver(recipients, letter, trip)
        finally:
            slots.give_back(server.place)

    async def _deliver(self, recipients: Sequence[str], letter: bytes, trip: Trip) -> Outcome:
        server = self._account.server
        dialled = await self._dialler.dial(server.host, server.port, make_socket, trip)
        client = SMTP(
            hostname=server.host,
            sock=dialled,
            local_hostname=literal_of(dialled),
            use_tls=server.security is Security.TLS,
            start_tls=False,
            tls_context=await self._contexts.of(USUAL_TLS),
            timeout=None,
        )
        conversation = Conversation(client, dialled)
        trip.enter(TripStage.WAITING)
        has_delivered = False
        try:
            await self._begin(client, trip)
            outcome = await self._hand_over(client, recipients, letter, trip)
            has_delivered = outcome.failure is None
        except SMTPResponseException as error:
            outcome = self._refusal(error, trip)
        except SMTPException as error:
            raise broken(error) from None
        except ssl.SSLError as error:
            raise handshake_error(error) from None
        finally:
            if has_delivered:
                self._part(conversation)
            else:
                conversation.hang_up()
        return outcome

    async def _begin(self, client: SMTP, trip: Trip) -> None:
        """Connect to the mail server, until it is ready for a message."""
        server = self._account.server
        trip.asked = "a greeting" if server.security is not Security.TLS else "TLS and a greeting"
        await client.connect()
        trip.asked = "EHLO"
        await client.ehlo()
        if server.security is Security.STARTTLS:
            trip.asked = "STARTTLS"
            if not client.supports_extension("starttls"):
                raise NoTlsError
            await client.starttls()
            trip.asked = "EHLO"
            await client.ehlo()
        if server.login is not None:
            trip.asked = "AUTH"
            if not client.supported_auth_methods:
                raise NoLoginError
            user, password = server.login
            await client.login(user.encode(), password.encode())

    async def _hand_over(
        self, client: SMTP, recipients: Sequence[str], letter: bytes, trip: Trip
    ) -> Outcome:
        """Send a letter to the recipients that the server accepts."""
        sender = self._account.sender
        trip.asked = "MAIL FROM"
        await client.mail(sender.address)
        trip.asked = "RCPT TO"
        refused: dict[str, SMTPRecipientRefused] = {}
        for one in recipients:
            try:
                await client.rcpt(one)
            except SMTPRecipientRefused as error:
                if error.code == CLOSING or not is_reply(error.code):
                    raise
                refused[one] = error
        if len(refused) == len(recipients):
            return self._all_refused(refused, trip)
        trip.asked = "DATA"
        trip.is_handed_over = True
        answer = await client.data(from_line(sender) + letter)
        return Outcome(
            **trip.times(),
            status_code=answer.code,
            note=self._left_out(refused),
            response_body=self._kept(answer.message),
        )

    def _all_refused(self, refused: Mapping[str, SMTPRecipientRefused], trip: Trip) -> Outcome:
        """Outcome of a letter that no recipient gets; a refusal for now outweighs a final one."""
        decisive = min(refused.values(), key=lambda one: one.code >= 500)
        said = "\n".join(f"{one}: {error.code} {error.message}" for one, error in refused.items())
        return self._answered(decisive.code, said, trip)

    def _left_out(self, refused: Mapping[str, SMTPRecipientRefused]) -> str:
        """Name the recipients that the server refused, and why; empty if it took all."""
        if not refused:
            return ""
        said = [
            f"{one} ({error.code} {self._shown(error.message, 120)})"
            for one, error in refused.items()
        ]
        return f"The mail server did not take it for {', '.join(said)}; the others get it."

    def _refusal(self, error: SMTPResponseException, trip: Trip) -> Outcome:
        """Outcome of a step that the server did not take.

        Raises:
            NotSmtpError: what it said is not an answer of a mail server.
        """
        if not is_reply(error.code):
            raise NotSmtpError from None
        return self._answered(error.code, error.message, trip)

    def _answered(self, code: int, message: str, trip: Trip) -> Outcome:
        return Outcome(
            **trip.times(),
            status_code=code,
            failure=FailureReason.SMTP_STATUS,
            error=(
                f"The mail server {self._account.server.place} answered {trip.asked} with {code}: "
                f"{self._shown(message, WORDS).rstrip('.')}.{remedy_for(trip.asked)}"
            ),
            is_ours=not trip.is_about_letter or (code == CLOSING and not trip.is_handed_over),
            stops_mail=not trip.is_about_letter,
            response_headers={SMTP_COMMAND: trip.asked},
            response_body=self._kept(message),
        )

    def _kept(self, message: str) -> bytes:
        """As much of an answer as is kept, without our login in it."""
        return self._masked(message).encode(errors="replace")[:BODY_KEPT_LIMIT]

    def _shown(self, message: str, limit: int) -> str:
        return fit(one_line(self._masked(message)), limit)

    def _masked(self, message: str) -> str:
        for one in proofs_of(self._account.server):
            message = message.replace(one, MASK)
        return message

    def _part(self, conversation: Conversation) -> None:
        """Say goodbye to a server that has the letter; however that goes, it is delivered."""
        task = asyncio.create_task(conversation.say_goodbye())
        self._parting[task] = conversation
        task.add_done_callback(self._parting.pop)


def is_reply(code: int) -> bool:
    """Whether a code is one that a mail server answers with."""
    return 200 <= code <= 599


def literal_of(dialled: socket) -> str:
    """Name ourselves to a server by the address that it sees; a name would have to be looked up."""
    host = str(dialled.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{host}]" if dialled.family is AddressFamily.AF_INET6 else f"[{host}]"


def broken(error: SMTPException) -> OSError:
    """Map an error of the library, unless it is an answer, to ours."""
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return handshake_error(cause)
    if isinstance(error, SMTPConnectError) and isinstance(cause, OSError):
        return ClosedError() if isinstance(cause, SMTPServerDisconnected) else HandshakeError(cause)
    return ClosedError() if isinstance(error, SMTPServerDisconnected) else NotSmtpError()


def remedy_for(command: str) -> str:
    """What the operator can do about a refused command; empty if unknown."""
    match command:
        case "AUTH":
            return " Check user and password in RUNHOOK_SMTP_URL."
        case "MAIL FROM":
            return " Does the server let this login send as RUNHOOK_SMTP_FROM?"
        case _:
            return ""


def proofs_of(server: MailServer) -> Sequence[str]:
    """The forms in which a server may repeat our login."""
    if server.login is None:
        return ()
    user, password = server.login
    plain = b64encode(f"\0{user}\0{password}".encode()).decode()
    return (plain, b64encode(password.encode()).decode(), password)
