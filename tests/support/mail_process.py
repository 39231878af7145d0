"""aiosmtpd as a process of its own: prints its port, then each letter, as a line of JSON each."""

import asyncio
import json
import ssl
import sys
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mailroom:
    """Takes letters, but not for everybody."""

    def __init__(self, refused: dict[str, str]) -> None:
        self._refused = refused

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self._refused:
            return self._refused[address]
        envelope.rcpt_tos.append(address)
        return "250 Ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        say([envelope.mail_from, envelope.rcpt_tos, bytes(envelope.content or b"").decode()])
        return "250 2.0.0 Ok: queued as 4XyZ"


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def context_of(pem: str) -> ssl.SSLContext | None:
    if not pem:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def serve(told: dict[str, Any]) -> None:
    starttls = context_of(told["starttls"])
    login = told["login"] and LoginPassword(*(one.encode() for one in told["login"]))

    def authenticate(*given: Any) -> AuthResult:
        return AuthResult(success=given[-1] == login, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            Mailroom(told["refused"]),
            hostname="mail.example.com",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=bool(login),
            auth_require_tls=starttls is not None,
            authenticator=authenticate,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context_of(told["tls"]))
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
