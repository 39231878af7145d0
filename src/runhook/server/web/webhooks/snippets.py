"""How to verify a webhook's requests, and stop replays, with the webhook's own secret.

Each program answers `refuse`, `known` or `new`: a request is new if it is genuine, was signed
within five minutes, and has an id that was not seen before.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program that verifies."""

    language: str
    code: str


PYTHON = """import base64, hashlib, hmac, time

KEY = base64.b64decode("{secret}".removeprefix("whsec_"))
seen = set()  # in production a table, for a day at least: a retry has the id of the first attempt

def check(body: bytes, headers) -> str:
    id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent.isdecimal() and len(sent) < 13 and abs(time.time() - int(sent)) <= 300):
        return "refuse"  # answer 401
    digest = hmac.new(KEY, f"{id}.{sent}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").encode().split()
    if not any([hmac.compare_digest(one, expected) for one in given]):
        return "refuse"
    if id in seen:
        return "known"  # answer 204, and do nothing
    seen.add(id)  # and seen.discard(id) if you fail to handle it
    return "new"
"""
JAVASCRIPT = """import { createHmac, timingSafeEqual } from "node:crypto";

const KEY = Buffer.from("{secret}".replace("whsec_", ""), "base64");
const seen = new Set(); // in production a table, for a day at least: a retry has the same id

// body: the raw bytes, before any JSON.parse; headers: as Node has them, in lower case
export function check(body, headers) {
  const id = headers["webhook-id"] ?? "";
  const sent = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]{1,12}$/.test(sent) || Math.abs(Date.now() / 1000 - sent) > 300)
    return "refuse"; // answer 401
  const mac = createHmac("sha256", KEY).update(`${id}.${sent}.`).update(body);
  const expected = Buffer.from("v1," + mac.digest("base64"));
  const given = (headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  if (!given.some((one) => one.length === expected.length && timingSafeEqual(one, expected)))
    return "refuse";
  if (seen.has(id)) return "known"; // answer 204, and do nothing
  seen.add(id); // and seen.delete(id) if you fail to handle it
  return "new";
}
"""
GO = """package hooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

var key, _ = base64.StdEncoding.DecodeString(strings.TrimPrefix("{secret}", "whsec_"))
var seen sync.Map // in production a table, for a day at least: a retry has the same id

func Check(body []byte, header http.Header) string {
	id, sent := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sent, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return "refuse" // answer 401
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + sent + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, one := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(one), []byte(expected)) {
			if _, known := seen.LoadOrStore(id, true); known {
				return "known" // answer 204, and do nothing
			}
			return "new" // and seen.Delete(id) if you fail to handle it
		}
	}
	return "refuse"
}
"""
RUBY = """require "openssl"

KEY = "{secret}".delete_prefix("whsec_").unpack1("m0")
SEEN = {} # in production a table, for a day at least: a retry has the same id

# body: the raw bytes of the request; headers: names in lower case
def check(body, headers)
  id, sent = headers["webhook-id"].to_s, headers["webhook-timestamp"].to_s
  return "refuse" unless sent.match?(/\\A[0-9]{1,12}\\z/) # answer 401
  return "refuse" if (Time.now.to_i - sent.to_i).abs > 300
  digest = OpenSSL::HMAC.digest("SHA256", KEY, "#{id}.#{sent}.".b + body.b)
  expected = "v1," + [digest].pack("m0")
  given = headers["webhook-signature"].to_s.split
  return "refuse" unless given.any? { |one| OpenSSL.secure_compare(one, expected) }
  return "known" if SEEN.key?(id) # answer 204, and do nothing
  SEEN[id] = true # and SEEN.delete(id) if you fail to handle it
  "new"
end
"""
JAVA = """import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.*;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

class Hook {
    static final byte[] KEY = Base64.getDecoder().decode("{secret}".replace("whsec_", ""));
    // in production a table, for a day at least: a retry has the same id
    static final Set<String> seen = ConcurrentHashMap.newKeySet();

    // headers: names in lower case
    static String check(byte[] body, Map<String, String> headers) throws GeneralSecurityException {
        String id = headers.getOrDefault("webhook-id", "");
        String sent = headers.getOrDefault("webhook-timestamp", "");
        long now = System.currentTimeMillis() / 1000;
        if (!sent.matches("[0-9]{1,12}") || Math.abs(now - Long.parseLong(sent)) > 300)
            return "refuse"; // answer 401
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        mac.update((id + "." + sent + ".").getBytes(UTF_8));
        byte[] digest = mac.doFinal(body);
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(digest)).getBytes(UTF_8);
        for (String one : headers.getOrDefault("webhook-signature", "").split(" "))
            if (MessageDigest.isEqual(one.getBytes(UTF_8), expected))
                // known: answer 204, and do nothing; new: seen.remove(id) if you fail to handle it
                return seen.add(id) ? "new" : "known";
        return "refuse";
    }
}
"""
SHELL = """# body.json: the raw body; $ID, $SENT, $SIGNATURES: the headers webhook-id,
# webhook-timestamp and webhook-signature. Prints refuse (answer 401), known (answer 204) or new.
SECRET='{secret}'
key=$(printf %s "${SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')
case $SENT in ''|*[!0-9]*|?????????????*) SENT=0 ;; esac
age=$(($(date +%s) - SENT))
mac=$({ printf %s "$ID.$SENT."; cat body.json; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
verdict=refuse
case " $SIGNATURES " in
*" v1,$mac "*)
  if [ "$age" -le 300 ] && [ "$age" -ge -300 ]; then
    touch seen.txt # keep it for a day at least: a retry has the same id
    if grep -qxF -e "$ID" seen.txt; then verdict=known; else verdict=new; echo "$ID" >> seen.txt; fi
  fi ;;
esac
echo "$verdict"
"""
TEMPLATES = (
    ("Python", PYTHON),
    ("JavaScript", JAVASCRIPT),
    ("Go", GO),
    ("Ruby", RUBY),
    ("Java", JAVA),
    ("Shell", SHELL),
)


def snippets(secret: str) -> list[Snippet]:
    """Programs that verify with this secret."""
    return [Snippet(language, code.replace("{secret}", secret)) for language, code in TEMPLATES]
