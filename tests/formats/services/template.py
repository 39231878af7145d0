"""A service that takes any JSON."""

import json

from runhook.domain.formats.format import Rendered
from runhook.domain.messages.templates import LARGEST_OUTPUT

SETTINGS: dict[str, object] = {
    "body": json.dumps(
        {
            "text": "{{ headline }}: {{ reason }}",
            "html": "<b>{{ job.name | html }}</b>",
            "whole": "{{ text }}",
            "run": "{{ run }}",
            "nodes": [
                {
                    "$data": "{{ nodes }}",
                    "$when": "{{ message }}",
                    "name": "{{ name | upper | cut: 20 }}",
                    "message": "{{ message | first_line | markdown }}",
                    "tags": [{"$data": "{{ tags }}", "$value": "{{ value }} of {{ job.name }}"}],
                }
            ],
            "more": [{"$when": "{{ more_nodes }}", "$value": "and {{ more_nodes }} more"}],
        }
    ),
    "content_type": "application/vnd.acme+json",
    "method": "PUT",
}
SECRETS: list[str] = []


def check(rendered: Rendered) -> None:
    assert len(rendered.body) <= LARGEST_OUTPUT
    document = json.loads(rendered.body)
    assert set(document) == {"text", "html", "whole", "run", "nodes", "more"}
    assert document["text"]
    assert "<script" not in document["html"]
    assert set(document["run"]) >= {"id", "url"}
    for node in document["nodes"]:
        assert len(node["name"]) <= 20
        assert "\n" not in node["message"]
