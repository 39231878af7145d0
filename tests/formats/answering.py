"""The services that formats write to, as they behave: what they refuse, and how they say so.

Each has ``faults``, which lists what it would not take of a document, and a class whose ``answer``
is what a receiver on loopback answers with. What cannot be known of a service is as strict as the
strictest that maintained clients report.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.support.receiver import Answer, Received, status


@dataclass(frozen=True)
class Reply:
    """What a service answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Service = Callable[[Received], Reply]


def said(code: int, document: object, **headers: str) -> Reply:
    """Answer with JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(code, json.dumps(document).encode(), {"Content-Type": "application/json", **named})


def answering(service: Service) -> Answer:
    """Let a receiver answer as a service does."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        reply = service(request)
        await status(reply.status, headers=dict(reply.headers), body=reply.body)(request, writer)

    return answer


class Faults(list[str]):
    """What is wrong with a document, each with its place."""

    def text(self, place: str, value: object, most: int, least: int = 1) -> None:
        """Note a text that is none, too short or too long."""
        if not isinstance(value, str):
            self.append(f"{place} is no text")
        elif not least <= len(value) <= most:
            self.append(f"{place} has {len(value)} characters, not {least} to {most}")

    def keys(self, place: str, value: object, known: set[str], needed: set[str]) -> bool:
        """Note keys that are unknown or missing; False if it is no object."""
        if not isinstance(value, dict):
            self.append(f"{place} is no object")
            return False
        self.extend(f"{place}.{key} is unknown" for key in value.keys() - known)
        self.extend(f"{place}.{key} is missing" for key in needed - value.keys())
        return True

    def link(self, place: str, value: object) -> None:
        """Note what is no address."""
        if not isinstance(value, str) or not value.startswith(("https://", "http://")):
            self.append(f"{place} is no address")


def document_of(request: Received) -> object:
    """The JSON of a request, None if it is none."""
    try:
        return json.loads(request.body)
    except ValueError:
        return None
