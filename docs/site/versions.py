"""Write the pages that lead to the versions of the documents that lie in a folder.

`python docs/site/versions.py build/site` writes `versions.html`, the newest first, and
`index.html`, which leads to the newest.
"""

import re
import sys
from pathlib import Path

PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Runhook's documents</title>{head}
  </head>
  <body style="font: 1rem system-ui, sans-serif; max-width: 40rem; margin: 2rem auto">
    <h1>Runhook's documents</h1>
    <ul>
{versions}
    </ul>
  </body>
</html>
"""
LEADING_ON = '\n    <meta http-equiv="refresh" content="0; url={version}/docs/index.html">'
ENTRY = '      <li><a href="{version}/docs/index.html">{version}</a></li>'


def write_pages(folder: Path) -> None:
    """Write both pages."""
    found = sorted(
        (path.name for path in folder.iterdir() if (path / "docs" / "index.html").exists()),
        key=numbers_in,
        reverse=True,
    )
    versions = "\n".join(ENTRY.format(version=one) for one in found)
    leading_on = LEADING_ON.format(version=found[0])
    (folder / "versions.html").write_text(PAGE.format(head="", versions=versions))
    (folder / "index.html").write_text(PAGE.format(head=leading_on, versions=versions))


def numbers_in(version: str) -> list[int]:
    """What versions are compared by."""
    return [int(one) for one in re.findall(r"\d+", version)]


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
