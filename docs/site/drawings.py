"""Draws the documents' Mermaid diagrams while the site is made, so that no browser has to."""

import re

import mermaidx
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

THEME = "neutral"
"""Greys, which `site.css` inverts where the site is dark."""
CONFIG = {
    # As wide as the font that places are measured with.
    "fontFamily": "Arial, Helvetica, Liberation Sans, Arimo, sans-serif",
    "sequence": {"wrap": True, "actorMargin": 40, "messageMargin": 28},
}
"""What makes a drawing about as wide as a page."""
MERMAIDS_ID = "my-svg"
"""What the ids within every drawing begin with."""
FULL_WIDTH = re.compile(r'width="100%"(.*?)max-width: ([\d.]+)px;')
SCALE = 0.75
"""Of its own size, at which its text is as large as the site's small print."""
FRAME = '<div class="drawing" tabindex="0" role="region" aria-label="Diagram">{}</div>'
"""Scrolls where the drawing is wider."""


class Drawing(SphinxDirective):
    """A diagram in Mermaid's language."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        self.env.note_dependency(__file__)
        source = "\n".join(self.content)
        drawn = mermaidx.render(source, theme=THEME, config=CONFIG).svg()
        own_id = f"drawing-{self.env.new_serialno('drawing')}"
        svg = FULL_WIDTH.sub(scaled, drawn.replace(MERMAIDS_ID, own_id), count=1)
        return [nodes.raw("", FRAME.format(svg), format="html")]


def scaled(width: re.Match[str]) -> str:
    """A width of its own for a drawing that would be as wide as its frame."""
    return f'width="{SCALE * float(width[2]):.0f}"{width[1]}'
