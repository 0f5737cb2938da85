"""The search for published weights of timm, before timm is imported."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hardiness.models.hub import need_any_host, torch_files
from hardiness.sources.hub_cache import hub_folder

_HUB_ID = re.compile(r"""hf_hub_id['"]?\s*[=:]\s*['"]([^'"]+)['"]""")
_URL = re.compile(r"""['"](https?://[^'"]+)['"]""")


def need_timm_weights(name: str, where: str) -> None:
    """Raise an error where the weights of a timm model are surely neither in a cache nor to be had.

    It says nothing where it is not sure: of a name that timm does not define itself (an old one), and where any file in
    a cache may be the model's.

    Args:
        name: architecture, or architecture and tag.
        where: name of the model, for the message.

    Raises:
        DataError: they can be had from nowhere.
    """
    architecture = name.partition(".")[0]
    sources = list(_sources())
    defined = re.compile(rf"^def {re.escape(architecture)}\(", re.MULTILINE)
    own = [text for text in sources if defined.search(text)]
    if not own or _may_be_kept(architecture, sources):
        return
    need_any_host([url for text in own for url in _URL.findall(text)], where)


def _sources() -> Iterator[str]:
    """The texts of timm's files of models; none where timm is not installed as files."""
    package = importlib.util.find_spec("timm")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for file in sorted(Path(folder, "models").glob("*.py")):
            yield file.read_text("utf-8", "replace")


def _may_be_kept(architecture: str, sources: list[str]) -> bool:
    """Whether a file in the hub's cache, or in torch's, may be of that architecture."""
    repositories = {path.name.removeprefix("models--").replace("--", "/", 1) for path in hub_folder().glob("models--*")}
    if any(name == f"timm/{architecture}" or name.startswith(f"timm/{architecture}.") for name in repositories):
        return True
    elsewhere = {identifier for text in sources for identifier in _HUB_ID.findall(text)}
    if repositories & elsewhere:
        return True
    files = torch_files()
    published = {urlsplit(url).path.rpartition("/")[2] for text in sources for url in _URL.findall(text)}
    return bool(files & published)
