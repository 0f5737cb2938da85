"""A page of the site for each notebook: its text, its code, and below each cell what it printed or drew."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

LINK = re.compile(r"(\]\([\w./]*\w)\.ipynb(\))")
"""A link to a notebook, as it is read on disk and by GitHub."""


def on_files(files: Files, config: Any) -> Files:
    """The files of the site, with a page and its pictures for each notebook."""
    for notebook in sorted(Path(config["docs_dir"]).glob("*/*.ipynb")):
        place = notebook.relative_to(config["docs_dir"]).with_suffix("")
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        for number, cell in enumerate(cells):
            for picture in pictures_of(cell):
                files.append(
                    File.generated(config, picture_name(place, number), content=picture)
                )
        text = "\n\n".join(
            part for number, cell in enumerate(cells) for part in parts_of(cell, place, number)
        )
        download = f'<a href="../{notebook.name}" download>This page as a notebook</a>\n'
        files.append(File.generated(config, f"{place}.md", content=f"{text}\n\n{download}"))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page's text, in which links to notebooks lead to their pages."""
    return LINK.sub(r"\1.md\2", markdown)


def picture_name(place: Path, number: int) -> str:
    """The picture of a cell, below the folder of the documentation."""
    return f"{place}_{number}.png"


def pictures_of(cell: Any) -> Iterator[bytes]:
    """The pictures that a cell drew."""
    for output in cell.get("outputs", ()):
        if picture := output.get("data", {}).get("image/png"):
            yield base64.b64decode(picture)


def parts_of(cell: Any, place: Path, number: int) -> Iterator[str]:
    """A cell as Markdown: its text or code, then its output."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        if "image/png" in output.get("data", {}):
            described = "".join(output["data"]["text/plain"]).strip("'\"")
            yield f"![{described}]({Path(picture_name(place, number)).name})"
        else:
            text = "".join(output.get("text", ()) or output["data"]["text/plain"])
            yield f"``` {{.text .output}}\n{text.rstrip()}\n```"
