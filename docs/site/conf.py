"""How `make docs` makes a site of the documents as they stand.

The order of its pages is that of the links in docs/index.md, whose headings are the captions; a
folder's pages come in the order in which its README names them.
"""

import re
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "src"), str(Path(__file__).parent)]

from drawings import Drawing  # noqa: E402 - found by the line above

from runhook.domain.version import VERSION  # noqa: E402 - as above

project = "Runhook"
project_copyright = "Runhook's authors"
version = release = VERSION
language = "en"

root_doc = "docs/index"
include_patterns = ["docs/**.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "STYLE.md"]
# Whatever else a checkout holds is not looked through.
exclude_patterns = [
    ".*",
    "benchmarks",
    "build",
    "deploy",
    "dist",
    "examples",
    "mutants",
    "src",
    "tests",
]
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
nitpicky = True

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
# Quotation marks and hyphens of commands stay what they are.
smartquotes = False
highlight_language = "text"
# Headers are shown without the first line of their request.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Runhook {release}"
html_favicon = "../../src/runhook/server/web/static/icon.svg"
html_logo = html_favicon
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/versions.html",
        "sidebar/scroll-end.html",
    ]
}
# A page that leads from the site's address to its first page.
html_extra_path = ["extra"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False

LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)\.md\)")


def add_contents(_app: Sphinx, name: str, source: list[str]) -> None:
    """Give a page that lists others a table of contents, which only the site's navigation shows."""
    if name == root_doc:
        _, *parts = re.split(r"^## (.+)\n", source[0], flags=re.MULTILINE)
        contents = [
            (caption, LINK.findall(text))
            for caption, text in zip(parts[::2], parts[1::2], strict=True)
        ]
    elif name.endswith("/README"):
        contents = [("", [one for one in LINK.findall(source[0]) if "/" not in one])]
    else:
        return
    source[0] += "".join(toctree(caption, names) for caption, names in contents if names)


def toctree(caption: str, names: list[str]) -> str:
    """A table of contents that is not shown on its page."""
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["", "```{toctree}", *options, *dict.fromkeys(names), "```", ""])


def setup(app: Sphinx) -> None:
    """Add what the settings above cannot say."""
    app.connect("source-read", add_contents)
    app.add_directive("mermaid", Drawing)
    app.add_lexer("crontab", TextLexer)
