"""Values as pages show them."""

from datetime import UTC, datetime, timedelta

import pytest

from runhook.server.web.page.showing import coloured, rough, shown_ago
from runhook.server.web.people.browsers import browser_named

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


GECKO = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
BLINK = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 {}Safari/537.36{}"
WEBKIT = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) {} Safari/605.1.15"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (GECKO, "Firefox on Linux"),
        (BLINK.format("Windows NT 10.0; Win64", "", " Edg/126.0.0.0"), "Edge on Windows"),
        (BLINK.format("Linux; Android 14", "Mobile ", ""), "Chrome on Android"),
        (WEBKIT.format("Macintosh; Intel Mac OS X 14_5", "Version/17.5"), "Safari on macOS"),
        (
            WEBKIT.format("iPhone; CPU like Mac OS X", "CriOS/126.0"),
            "Chrome on iPhone",
        ),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("x" * 500, "x" * 60),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_as_people_know_it(user_agent: str, name: str):
    assert browser_named(user_agent) == name


def test_parts_of_json_are_marked_and_what_they_hold_stays_text():
    shown = coloured('{\n  "a<b": ["\\"x: 1", -1.5e3, true, null]\n}')

    assert shown == (
        '{\n  <span class="json-key">&#34;a&lt;b&#34;</span>: ['
        '<span class="json-text">&#34;\\&#34;x: 1&#34;</span>, '
        '<span class="json-number">-1.5e3</span>, <span class="json-word">true</span>, '
        '<span class="json-word">null</span>]\n}'
    )
    assert "<span" not in coloured(f'["{"x" * 30_000}"]')


@pytest.mark.parametrize(
    ("span", "words"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7_199, "1 h"), (200_000, "2 d")],
)
def test_a_span_is_told_in_one_unit(span: int, words: str):
    assert rough(timedelta(seconds=span)) == words


def test_how_long_ago_it_was_comes_with_the_exact_time():
    shown = shown_ago(NOW - timedelta(minutes=3), NOW)

    assert "3 min ago" in shown
    assert 'title="1 Mar 2026, 11:57:00 UTC"' in shown
    assert '<span class="unseen">, 1 Mar 2026, 11:57:00 UTC</span>' in shown
