"""How to verify a webhook's signature, in five languages, with the webhook's own secret."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program that verifies."""

    language: str
    code: str


PYTHON = """import hashlib, hmac

SECRET = "{secret}"

def is_genuine(body: bytes, headers) -> bool:
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers.get("{header}", ""), expected)
"""
JAVASCRIPT = """import { createHmac, timingSafeEqual } from "node:crypto";

const SECRET = "{secret}";

// body: the raw bytes, before any JSON.parse
export function isGenuine(body, headers) {
  const expected = Buffer.from(createHmac("sha256", SECRET).update(body).digest("hex"));
  const given = Buffer.from(headers["{lower}"] ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
"""
GO = """package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

const secret = "{secret}"

func IsGenuine(body []byte, header http.Header) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	expected := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(header.Get("{header}")), []byte(expected))
}
"""
RUBY = """require "openssl"

SECRET = "{secret}"

# body: the raw bytes of the request; signature: its {header} header
def genuine?(body, signature)
  expected = OpenSSL::HMAC.hexdigest("SHA256", SECRET, body)
  OpenSSL.secure_compare(signature.to_s, expected)
end
"""
SHELL = """# body.json: the raw body; $SIGNATURE: the request's {header} header
SECRET='{secret}'
expected=$(openssl dgst -sha256 -hmac "$SECRET" -r < body.json | cut -d' ' -f1)
[ "$expected" = "$SIGNATURE" ] && echo genuine
"""
TEMPLATES = (
    ("Python", PYTHON),
    ("JavaScript", JAVASCRIPT),
    ("Go", GO),
    ("Ruby", RUBY),
    ("Shell", SHELL),
)


def snippets(secret: str, header: str = "Authorization") -> list[Snippet]:
    """Programs that verify with this secret and this header."""
    values = {"{secret}": secret, "{header}": header, "{lower}": header.lower()}
    return [Snippet(language, filled(code, values)) for language, code in TEMPLATES]


def filled(code: str, values: Mapping[str, str]) -> str:
    """Write values into a program."""
    for place, value in values.items():
        code = code.replace(place, value)
    return code
