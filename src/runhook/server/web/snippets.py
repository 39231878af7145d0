"""How to verify a webhook's signature, in five languages, with the webhook's own secret."""

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
    return hmac.compare_digest(headers.get("Authorization", ""), expected)
"""
JAVASCRIPT = """import { createHmac, timingSafeEqual } from "node:crypto";

const SECRET = "{secret}";

// body: the raw bytes, before any JSON.parse
export function isGenuine(body, headers) {
  const expected = Buffer.from(createHmac("sha256", SECRET).update(body).digest("hex"));
  const given = Buffer.from(headers["authorization"] ?? "");
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
	return hmac.Equal([]byte(header.Get("Authorization")), []byte(expected))
}
"""
RUBY = """require "openssl"

SECRET = "{secret}"

# body: the raw bytes of the request
def genuine?(body, authorization)
  expected = OpenSSL::HMAC.hexdigest("SHA256", SECRET, body)
  OpenSSL.secure_compare(authorization.to_s, expected)
end
"""
SHELL = """# body.json: the raw body; $AUTHORIZATION: the request's header
SECRET='{secret}'
expected=$(openssl dgst -sha256 -hmac "$SECRET" -r < body.json | cut -d' ' -f1)
[ "$expected" = "$AUTHORIZATION" ] && echo genuine
"""
TEMPLATES = (
    ("Python", PYTHON),
    ("JavaScript", JAVASCRIPT),
    ("Go", GO),
    ("Ruby", RUBY),
    ("Shell", SHELL),
)


def snippets(secret: str) -> list[Snippet]:
    """Return the programs, with this secret in them."""
    return [Snippet(language, code.replace("{secret}", secret)) for language, code in TEMPLATES]
