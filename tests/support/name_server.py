"""A real name server on loopback, and the stub resolver that asks it."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

from runhook.outbound.resolver import AddressInfo, Resolver

PATIENCE_SECONDS = 20
"""How long the stub waits for an answer; no test waits that long."""

Answer = Callable[[dns.message.Message], Sequence[dns.rrset.RRset]]


class Trouble(Exception):  # noqa: N818 - it is an answer, too
    """The server answers with an error."""

    def __init__(self, code: dns.rcode.Rcode) -> None:
        self.code = code


class Silence(Exception):  # noqa: N818 - an answer, no error
    """The server does not answer at all."""


def addresses(*texts: str) -> Answer:
    """Answer with these addresses, or with none of the kind that was asked for."""

    def answer(query: dns.message.Message) -> Sequence[dns.rrset.RRset]:
        question = query.question[0]
        is_ipv6 = question.rdtype == dns.rdatatype.AAAA
        fitting = [text for text in texts if (":" in text) == is_ipv6]
        if not fitting:
            return []
        return [dns.rrset.from_text(question.name, 0, "IN", question.rdtype, *fitting)]

    return answer


def alias(name: str, answer: Answer) -> Answer:
    """Answer that the name is another's, with the other one's answer, as a resolver would."""

    def answer_in_full(query: dns.message.Message) -> Sequence[dns.rrset.RRset]:
        question = query.question[0]
        other = dns.message.make_query(name, question.rdtype)
        link = dns.rrset.from_text(question.name, 0, "IN", "CNAME", f"{name}.")
        return [link, *answer(other)]

    return answer_in_full


def failing(code: dns.rcode.Rcode) -> Answer:
    """Answer with an error."""

    def fail(_: dns.message.Message) -> Sequence[dns.rrset.RRset]:
        raise Trouble(code)

    return fail


def silent(_: dns.message.Message) -> Sequence[dns.rrset.RRset]:
    """Do not answer."""
    raise Silence


class NameServer(asyncio.DatagramProtocol):
    """Answers what it is asked about its names; of each name one answer after the other.

    The last one is repeated. A look-up asks for IPv6 first and for IPv4 then, and gets one answer
    to both. Other names do not exist.
    """

    def __init__(self, **answers: Sequence[Answer]) -> None:
        self._answers = answers
        self.look_ups: Counter[str] = Counter()
        self._unanswered: list[tuple[dns.message.Message, Any]] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        # A thread that still waits must not wait on.
        for query, address in self._unanswered:
            self._send(failure_of(query, dns.rcode.REFUSED), address)
        self._transport.close()

    def resolver(self) -> Resolver:
        """A resolver that asks only this server."""
        return Resolver(self.look_up)

    def look_up(self, host: str, port: int, family: int, *how: int) -> list[AddressInfo]:
        """Do what ``getaddrinfo`` does, and fail as it does."""
        kind, protocol, _ = how
        stub = dns.resolver.Resolver(configure=False)
        stub.nameservers = ["127.0.0.1"]
        stub.port = self._port
        stub.timeout = stub.lifetime = PATIENCE_SECONDS
        try:
            found = list(stub.resolve_name(host, family).addresses())
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        except dns.exception.DNSException:
            raise socket.gaierror(
                socket.EAI_AGAIN, "Temporary failure in name resolution"
            ) from None
        return [
            info
            for address in found
            for info in socket.getaddrinfo(
                address, port, family, kind, protocol, socket.AI_NUMERICHOST
            )
        ]

    def datagram_received(self, data: bytes, address: Any) -> None:
        """Answer a query."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        if question.rdtype == dns.rdatatype.AAAA:
            self.look_ups[name] += 1
        answers = self._answers.get(name, [failing(dns.rcode.NXDOMAIN)])
        try:
            found = answers[min(self.look_ups[name], len(answers)) - 1](query)
        except Silence:
            self._unanswered.append((query, address))
        except Trouble as trouble:
            self._send(failure_of(query, trouble.code), address)
        else:
            response = dns.message.make_response(query, recursion_available=True)
            response.answer.extend(found)
            self._send(response, address)

    def _send(self, response: dns.message.Message, address: Any) -> None:
        self._transport.sendto(response.to_wire(), address)


def failure_of(query: dns.message.Message, code: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(code)
    return response
