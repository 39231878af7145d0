"""Find the places where secrets stand in a text: behind a telling name, in an address.

Texts are error messages, log lines, command lines, scripts, JSON, YAML, connection strings, cut off
anywhere. In doubt a text counts as part of the secret. Each text is read once from left to right,
and no search goes further than ``WINDOW``, so that time is linear in its length.
"""

import re
from collections.abc import Iterator

from runhook.domain.secrets.names import is_secret_name

REPLACEMENT = "*****"
WINDOW = 1 << 14
"""Characters within which a value ends; a private key has 3,000."""
LONGEST_NAME = 80

KEYWORD = re.compile(
    r"passw|passphrase|pass(?![a-z])|pwd|secret|token|credential|key(?![a-z])|pat(?![a-z])|dsn|jwt"
    r"|authorization|cookie|ur[li](?![a-z])|string(?![a-z])|identified\s{1,4}by",
    re.IGNORECASE,
)
NAME_BEHIND = re.compile(rf"[\w-]{{0,{LONGEST_NAME}}}")
NAME_BEFORE = re.compile(r"[\w.-]*\Z")
SEPARATOR = re.compile(
    r"[\\\"'`\]]{0,8}[ \t]{0,8}(?:=>|:=|=|:(?![:/]))[ \t]{0,8}(?:\\?\n[ \t]{1,8})?"
)
BEHIND_FLAG = re.compile(r"[ \t]{1,8}(?:\\\n[ \t]{0,8})?")
BEFORE_QUOTE = re.compile(r"[ \t]{1,8}(?=\\{0,7}['\"])")
"""`WITH PASSWORD 'x'`, in SQL."""
SQL = re.compile(r"identified\s+by", re.IGNORECASE)

OPENING = re.compile(r"\$?(\\{0,7}[\"'`])")
AFTER_WORD = frozenset(" \t\r\n,;)}]")
BARE = re.compile(
    r"""(?:[^\s;&"'`,)}\]<>|\\]|\\.|["'`,)}\]<>|](?![\s,;)}\]"'`]|\Z))+""",
)
SCHEME = re.compile(r"(?:bearer|basic|token|digest|negotiate|apikey|snowflake)\b", re.IGNORECASE)
BLOCK = re.compile(r"[|>][+-]?[ \t]*\n(?:[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)*")
BEGINS_LINE = re.compile(r"(?:^|\n)[ \t]*(?:- )?[\"']?\Z")
WITHIN_FLOW = re.compile(r"[{,][ \t]*\\{0,7}[\"']?\Z")
LINE = re.compile(r"[^\n]*")
FLOW = re.compile(r"[^\n,}]*")

PEM_BEGINS, PEM_ENDS = "-----BEGIN ", "-----END "
PEM_HEADING = re.compile(r"[A-Z0-9 ]{1,40}-----")

# In an address without a user the host comes first; with a port, it could be a user and a password.
CREDENTIALS_IN_URL = re.compile(
    r"(?<=://)(?![\w.-]{1,255}(?:[/?#\s\"'\\]|\Z))"
    r"(?!(?:(?<=http://)|(?<=https://))[\w.-]{1,255}:\d{1,5}(?:[/?#\s\"'\\]|\Z))"
    r"(?:[^\s\"'<>?]{1,512}@|[^\s\"'<>]{1,512}@)"
)
CREDENTIALS_OF_ORACLE = re.compile(r"(?<=jdbc:oracle:thin:)[^\s/@]{1,100}/[^\s@]{1,255}@")
CREDENTIALS_WITHOUT_SCHEME = re.compile(
    r"(?<![\w/])[\w.-]{1,64}:[^\s\"'@]{1,255}@(?=(?:tcp|unix)\()"
)
SIGNED_QUERY = re.compile(
    r"(?<=[?&;])((?:sig|signature|x-(?:amz|goog)-(?:signature|credential)|code)=)[^\s&\"'<>]+",
    re.IGNORECASE,
)
# A token begins a word, and an escape may stand before it.
TOKEN = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,4096}"
    r"|gh[opsur]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|glpat-[\w-]{20,255}"
    r"|xox[a-z]-[\w-]{10,255}|xapp-[\w-]{10,255}"
    r"|(?:dapi|dkea|dose)[0-9a-f]{32}(?:-\d)?|dbt[cu]_[\w-]{20,255}"
    r"|whsec_[A-Za-z0-9+/=]{20,255}|sk-[\w-]{20,255}|[rs]k_(?:live|test)_\w{16,255}"
    r"|hvs\.[\w-]{20,255}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{40,255}|SG\.[\w-]{16,64}\.[\w-]{16,64}"
    r"|eyJ[\w-]{8,4096}\.[\w-]{8,16384}\.?[\w-]{0,4096}"
    r"|AGE-SECRET-KEY-[A-Z0-9]{20,80})"
)
SLACK_HOOK = re.compile(r"(?<=hooks\.slack\.com/services/)[\w/]{10,100}")


def without_secrets(text: str) -> str:
    """Replace what stands in a secret's place."""
    text = without_pem(text)
    text = replaced(text, spans(text))
    text = CREDENTIALS_IN_URL.sub(f"{REPLACEMENT}@", text)
    text = CREDENTIALS_OF_ORACLE.sub(f"{REPLACEMENT}@", text)
    text = CREDENTIALS_WITHOUT_SCHEME.sub(f"{REPLACEMENT}@", text)
    text = SIGNED_QUERY.sub(rf"\1{REPLACEMENT}", text)
    text = SLACK_HOOK.sub(REPLACEMENT, text)
    return TOKEN.sub(REPLACEMENT, text)


def without_pem(text: str) -> str:
    """Remove keys in PEM; one that is cut off goes to the end."""
    parts, at = [], 0
    while (start := text.find(PEM_BEGINS, at)) >= 0:
        end = text.find(PEM_ENDS, start)
        heading = PEM_HEADING.match(text, end + len(PEM_ENDS)) if end >= 0 else None
        parts += [text[at:start], REPLACEMENT]
        at = len(text) if end < 0 else heading.end() if heading else end + len(PEM_ENDS)
    return "".join([*parts, text[at:]])


def spans_of_values(text: str) -> Iterator[str]:
    """Yield what stands in a secret's place."""
    for start, end in spans(text):
        yield text[start:end]


def replaced(text: str, places: Iterator[tuple[int, int]]) -> str:
    """Replace these spans, which are in order and apart."""
    parts, at = [], 0
    for start, end in places:
        parts += [text[at:start], REPLACEMENT]
        at = end
    return "".join([*parts, text[at:]])


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where values begin and end that stand behind a secret's name."""
    at = 0
    while (found := KEYWORD.search(text, at)) is not None:
        at = found.end()
        value = value_behind(text, found)
        if value is not None and value < len(text):
            start, end = inner_of(text, value, end_of_value(text, value, found.start()))
            if end > start:
                yield start, end
                at = max(at, end)


def value_behind(text: str, keyword: re.Match[str]) -> int | None:
    """Start of the value whose name has ``keyword`` in it; None if there is none."""
    end = keyword.end()
    if SQL.fullmatch(keyword[0]):
        return blank_behind(text, end)
    before = text[max(0, keyword.start() - LONGEST_NAME) : keyword.start()]
    end = end_of(NAME_BEHIND, text, end, len(text))
    name = f"{name_before(before)}{text[keyword.start() : end]}"
    if not is_secret_name(name):
        return None
    separator = SEPARATOR.match(text, end)
    if separator is None and name.startswith("-"):
        separator = BEHIND_FLAG.match(text, end)
    if separator is None and keyword[0].lower() == "passw":
        separator = BEFORE_QUOTE.match(text, end)
    return None if separator is None else separator.end()


def blank_behind(text: str, at: int) -> int | None:
    """Start of the word behind blanks."""
    blank = BEHIND_FLAG.match(text, at)
    return None if blank is None else blank.end()


def end_of_value(text: str, at: int, name_at: int) -> int:
    """End of the value that begins at ``at``, and whose name stands at ``name_at``."""
    limit = min(len(text), at + WINDOW)
    if OPENING.match(text, at, limit):
        return end_of_quoted(text, at, limit)
    if text[at] in "{[":
        return end_of_collection(text, at, limit)
    if block := BLOCK.match(text, at, limit):
        return block.end()
    before = text[max(0, name_at - LONGEST_NAME) : name_at]
    before = before[: len(before) - len(name_before(before))]
    colon = text[name_at:at].rstrip().endswith(":")
    end = end_of_bare(text, at, limit)
    if colon and BEGINS_LINE.search(before):
        return max(end, end_of(LINE, text, at, limit))
    if colon and WITHIN_FLOW.search(before):
        return max(end, end_of(FLOW, text, at, limit))
    return end


def name_before(before: str) -> str:
    """The part of a name before its keyword."""
    found = NAME_BEFORE.search(before)
    return found[0] if found else ""


def end_of(pattern: re.Pattern[str], text: str, at: int, limit: int) -> int:
    """End of ``pattern`` if it begins at ``at``, else ``at``."""
    found = pattern.match(text, at, limit)
    return found.end() if found else at


def end_of_bare(text: str, at: int, limit: int) -> int:
    """End of a value without quotes; a scheme, such as Bearer, has another behind."""
    scheme = SCHEME.match(text, at, limit)
    if scheme and (behind := blank_behind(text, scheme.end())) is not None:
        return end_of(BARE, text, behind, min(len(text), behind + WINDOW))
    return end_of(BARE, text, at, limit)


def end_of_quoted(text: str, at: int, limit: int) -> int:
    """End of a value in quotes, with what a shell takes for the same word."""
    opening = OPENING.match(text, at, limit)
    assert opening is not None
    quote = opening[1]
    close = text.find(quote, opening.end(), limit)
    while close > 0 and len(quote) == 1 and quote != "'" and text[close - 1] == "\\":
        close = text.find(quote, close + 1, limit)
    if close < 0:
        return limit
    return end_of_word(text, close + len(quote), limit)


def end_of_word(text: str, at: int, limit: int) -> int:
    """End of a shell's word that goes on behind a closing quote, such as `'a'"b"`."""
    while at < limit and text[at] not in AFTER_WORD:
        if text[at] in "\"'`":
            close = text.find(text[at], at + 1, limit)
            at = limit if close < 0 else close + 1
        else:
            at += 2 if text[at] == "\\" else 1
    return min(at, limit)


def end_of_collection(text: str, at: int, limit: int) -> int:
    """End of a list or an object."""
    depth = 0
    for position in range(at, limit):
        depth += text[position] in "{["
        depth -= text[position] in "}]"
        if depth == 0:
            return position + 1
    return limit


def inner_of(text: str, start: int, end: int) -> tuple[int, int]:
    """Span of a value without its quotes."""
    opening = OPENING.match(text, start, end)
    if opening and text.endswith(opening[1], opening.end(), end):
        return opening.end(), end - len(opening[1])
    return start, end
