"""Hubs of models: files in their caches, held against what was published, and hosts that answer."""

from __future__ import annotations

import os
import queue
import re
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from hardiness.core.codes import ModelNote
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.sources.http import OFFLINE, offline
from hardiness.sources.hub_cache import check_hash, check_hub_files

_PATIENCE_S = 1.0
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$")


def respect_offline() -> bool:
    """Whether downloads are forbidden; if so, they are to Hugging Face's library too, for this process."""
    if not offline():
        return False
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        vars(constants)["HF_HUB_OFFLINE"] = True  # set too late in the environment
    return True


def need_hub(repository: str, files: Iterable[str], where: str) -> None:
    """Raise an error unless a file of the hub repository is in the cache, as it was published, or the hub answers.

    Raises:
        DataError: neither, told in two seconds, where the hub's library would try for a minute; or a file of the
            repository in the cache is not what was published.
    """
    if "/" not in repository:
        return
    forbidden = respect_offline()
    import huggingface_hub

    check_hub_files(repository, where)
    name, _, revision = repository.partition("@")
    cached = (huggingface_hub.try_to_load_from_cache(name, file, revision=revision or None) for file in files)
    if any(isinstance(file, str) for file in cached):
        return
    _need_host([huggingface_hub.constants.ENDPOINT], where, forbidden)


def need_url(url: str, where: str) -> None:
    """Raise an error unless torch has the file of that address in its cache, as it was published, or the host answers.

    Raises:
        DataError: neither, or the file in the cache is not what was published.
    """
    check_torch_file(url, where)
    if url.rpartition("/")[2] not in _torch_files():
        _need_host([url], where, respect_offline())


def check_torch_file(url: str, where: str) -> tuple[Fact, ...]:
    """A note on the check of the file that torch has downloaded from an address; none where it has not.

    Raises:
        DataError: its SHA-256 does not begin as its name says.
    """
    name = url.rpartition("/")[2]
    file = _torch_folder() / name
    if not file.is_file():
        return ()
    published = _HASH_IN_NAME.search(name)
    if published is not None:
        check_hash(file, published[1], where)
    checked, unchecked = (0, (name,)) if published is None else (1, ())
    return (Fact(ModelNote.WEIGHTS_CHECKED, {"source": name, "checked": checked, "unchecked": unchecked}),)


def _torch_files() -> set[str]:
    """Names of the files that torch has downloaded."""
    return {path.name for path in _torch_folder().glob("*") if path.is_file()}


def _torch_folder() -> Path:
    """The folder of the files that torch has downloaded, also without torch, whose import takes a second.

    Source: ``torch.hub.get_dir``.
    """
    torch = sys.modules.get("torch")
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub"
    return (Path(torch.hub.get_dir()) if torch else home) / "checkpoints"


def _need_host(urls: Iterable[str], where: str, forbidden: bool) -> None:
    """Raise an error unless the host of one of the addresses answers; the first is named."""
    advice = "give a checkpoint with weights=FILE, or weights=random"
    if forbidden:
        raise DataError(f"{where} is not in the cache, and {OFFLINE} forbids to download it; {advice}")
    hosts = [urlsplit(url) for url in urls]
    proxies = getproxies()
    peers = dict.fromkeys(urlsplit(proxies[host.scheme]) if host.scheme in proxies else host for host in hosts)
    places = dict.fromkeys(
        (peer.hostname or "", peer.port or (443 if peer.scheme == "https" else 80)) for peer in peers
    )
    if not _any_answers(list(places)):
        raise DataError(
            f"{where} is not in the cache, and {hosts[0].hostname} cannot be reached; check the network, {advice}"
        )


def _any_answers(places: Sequence[tuple[str, int]]) -> bool:
    """Whether one of these hosts and ports takes a connection within the patience.

    All are asked at once, and aside: looking up a name cannot be hurried.
    """
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ask(place: tuple[str, int]) -> None:
        try:
            socket.create_connection(place, _PATIENCE_S).close()
        except OSError:
            answers.put(False)
        else:
            answers.put(True)

    for place in places:
        threading.Thread(target=ask, args=(place,), daemon=True).start()
    end = time.monotonic() + _PATIENCE_S
    for _ in places:
        try:
            if answers.get(timeout=max(0.0, end - time.monotonic())):
                return True
        except queue.Empty:
            return False
    return False
