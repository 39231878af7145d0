"""The programs of the "Created" page, run by their languages: they stop what they should.

A language whose interpreter is not in PATH is not tried. Python, Java, JavaScript and the shell are
there wherever all tests run, and `make test-snippets` brings Go and Ruby.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runhook.domain.webhooks.signature import Secret, sign
from runhook.server.web.webhooks.snippets import snippets
from tests.support.patience import PATIENCE

SECRET = Secret.from_bytes(bytes(range(3, 35)))
OLD_SECRET = Secret.from_bytes(bytes(range(5, 37)))
BODY = '{"event_type":"job.run.completed","name":"naïve \N{SNOWMAN}"}'.encode()

Request = tuple[bytes, Mapping[str, str]]

MAINS = {
    "Python": """
import json, sys
for line in sys.stdin:
    body, headers = json.loads(line)
    print(check(base64.b64decode(body), headers))
""",
    "JavaScript": """
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").trim().split("\\n")) {
  const [body, headers] = JSON.parse(line);
  console.log(check(Buffer.from(body, "base64"), headers));
}
""",
    "Ruby": """
require "json"
STDIN.each_line do |line|
  body, headers = JSON.parse(line)
  puts check(body.unpack1("m0"), headers)
end
""",
    "Java": """
class Main {
    public static void main(String[] none) throws Exception {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            byte[] body = Base64.getDecoder().decode(lines.nextLine());
            Map<String, String> headers = new HashMap<>();
            for (String name : List.of("webhook-id", "webhook-timestamp", "webhook-signature")) {
                String value = lines.nextLine();
                if (!value.isEmpty()) headers.put(name, value);
            }
            System.out.println(Hook.check(body, headers));
        }
    }
}
""",
}
GO_TEST = """package hooks

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
)

func TestAll(t *testing.T) {
	file, _ := os.ReadFile("requests.json")
	var requests [][]any
	json.Unmarshal(file, &requests)
	for _, one := range requests {
		body, _ := base64.StdEncoding.DecodeString(one[0].(string))
		header := http.Header{}
		for name, value := range one[1].(map[string]any) {
			header.Set(name, value.(string))
		}
		fmt.Println("verdict", Check(body, header))
	}
}
"""


def code_of(language: str) -> str:
    return next(one.code for one in snippets(SECRET.reveal()) if one.language == language)


def as_lines(requests: Sequence[Request]) -> str:
    """Requests, one a line, as JSON."""
    return "".join(
        json.dumps([base64.b64encode(body).decode(), dict(headers)]) + "\n"
        for body, headers in requests
    )


def run(words: Sequence[str | Path], folder: Path, given: str = "") -> str:
    """What a program prints."""
    done = subprocess.run(
        words,
        check=False,
        input=given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_python(folder: Path, requests: Sequence[Request]) -> list[str]:
    (folder / "hook.py").write_text(code_of("Python") + MAINS["Python"])
    return run(["python3", "hook.py"], folder, as_lines(requests)).split()


def in_javascript(folder: Path, requests: Sequence[Request]) -> list[str]:
    (folder / "hook.mjs").write_text(code_of("JavaScript") + MAINS["JavaScript"])
    return run(["node", "hook.mjs"], folder, as_lines(requests)).split()


def in_ruby(folder: Path, requests: Sequence[Request]) -> list[str]:
    (folder / "hook.rb").write_text(code_of("Ruby") + MAINS["Ruby"])
    return run(["ruby", "hook.rb"], folder, as_lines(requests)).split()


def in_java(folder: Path, requests: Sequence[Request]) -> list[str]:
    (folder / "Hook.java").write_text(code_of("Java") + MAINS["Java"])
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    lines = "".join(
        "\n".join([base64.b64encode(body).decode(), *(headers.get(one, "") for one in names), ""])
        for body, headers in requests
    )
    run(["javac", "Hook.java"], folder)
    return run(["java", "-cp", ".", "Main"], folder, lines).split()


def in_go(folder: Path, requests: Sequence[Request]) -> list[str]:
    (folder / "go.mod").write_text("module hooks\n\ngo 1.21\n")
    (folder / "hook.go").write_text(code_of("Go"))
    (folder / "hook_test.go").write_text(GO_TEST)
    (folder / "requests.json").write_text(f"[{','.join(as_lines(requests).splitlines())}]")
    printed = run(["go", "test", "-v", "."], folder)
    return [line.split()[1] for line in printed.splitlines() if line.startswith("verdict ")]


def in_shell(folder: Path, requests: Sequence[Request]) -> list[str]:
    verdicts = []
    for body, headers in requests:
        (folder / "body.json").write_bytes(body)
        words = {
            "ID": headers.get("webhook-id", ""),
            "SENT": headers.get("webhook-timestamp", ""),
            "SIGNATURES": headers.get("webhook-signature", ""),
        }
        settings = [f"{name}={value}" for name, value in words.items()]
        verdicts += run(["env", *settings, "sh", "-c", code_of("Shell")], folder).split()
    return verdicts


Runner = Callable[[Path, Sequence[Request]], list[str]]
RUNNERS: dict[str, tuple[str, Runner]] = {
    "Python": ("python3", in_python),
    "JavaScript": ("node", in_javascript),
    "Go": ("go", in_go),
    "Ruby": ("ruby", in_ruby),
    "Java": ("javac", in_java),
    "Shell": ("openssl", in_shell),
}
HERE = [language for language, (program, _) in RUNNERS.items() if shutil.which(program)]


def request(
    message_id: str = "wev_1",
    *,
    age: timedelta = timedelta(),
    secrets: Sequence[Secret] = (SECRET,),
    **changed: str,
) -> Request:
    """A request, with what is changed after it was signed."""
    at = datetime.now(UTC) - age
    headers = sign(secrets, message_id=message_id, timestamp=at, body=BODY)
    return BODY, {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}


def without(name: str) -> Request:
    body, headers = request("wev_9")
    return body, {key: value for key, value in headers.items() if key != name}


def cases() -> list[tuple[Request, str]]:
    """Requests in order: an id counts as seen once it was taken.

    Each is as far from the tolerance of five minutes as a compiler may need before it is looked at.
    """
    return [
        (request("wev_1"), "new"),
        (request("wev_1"), "known"),
        (request("wev_2", age=timedelta(minutes=1)), "new"),
        (request("wev_3", age=timedelta(minutes=6)), "refuse"),
        (request("wev_3", age=-timedelta(minutes=10)), "refuse"),
        (request("wev_4", secrets=[OLD_SECRET]), "refuse"),
        (request("wev_5", secrets=[OLD_SECRET, SECRET]), "new"),
        ((BODY + b" ", request("wev_6")[1]), "refuse"),
        (request("wev_7", webhook_id="wev_8"), "refuse"),
        (request("wev_7", webhook_timestamp=str(int(datetime.now(UTC).timestamp()) - 1)), "refuse"),
        (request("wev_7", webhook_timestamp="soon"), "refuse"),
        (request("wev_7", webhook_timestamp="-1"), "refuse"),
        (request("wev_7", webhook_timestamp="9" * 40), "refuse"),
        (request("wev_7", webhook_signature="v1,"), "refuse"),
        (without("webhook-id"), "refuse"),
        (without("webhook-timestamp"), "refuse"),
        (without("webhook-signature"), "refuse"),
        (request("wev_2"), "known"),
    ]


def test_each_language_has_a_runner():
    assert list(RUNNERS) == [one.language for one in snippets(SECRET.reveal())]


@pytest.mark.parametrize("language", HERE)
def test_a_snippet_takes_a_request_once_and_stops_replays_and_forgeries(
    language: str, tmp_path: Path
):
    tried = cases()

    verdicts = RUNNERS[language][1](tmp_path, [given for given, _ in tried])

    assert verdicts == [wanted for _, wanted in tried]


def test_every_snippet_has_the_tolerance_and_remembers_ids():
    for one in snippets(SECRET.reveal()):
        assert "300" in one.code or "5*time.Minute" in one.code
        assert "seen" in one.code.lower()
        assert "webhook-id" in one.code
