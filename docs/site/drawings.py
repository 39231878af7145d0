"""Draws the documents' Mermaid diagrams while the site is made, so that no browser has to."""

import mermaidx
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

THEME = "neutral"
"""Greys, which `site.css` inverts where the site is dark."""
FONTS = "Arial, Helvetica, Liberation Sans, Arimo, sans-serif"
"""As wide as the one that places are measured with."""
MERMAIDS_ID = "my-svg"
"""What the ids within every drawing begin with."""
FRAME = '<div class="drawing" tabindex="0" role="region" aria-label="Diagram">{}</div>'
"""Scrolls where the drawing is wider."""


class Drawing(SphinxDirective):
    """A diagram in Mermaid's language."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        source = "\n".join(self.content)
        drawn = mermaidx.render(source, theme=THEME, config={"fontFamily": FONTS}).svg()
        own_id = f"drawing-{self.env.new_serialno('drawing')}"
        return [nodes.raw("", FRAME.format(drawn.replace(MERMAIDS_ID, own_id)), format="html")]
