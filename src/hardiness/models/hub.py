"""Hubs of models: whether files are there already, and whether the network is, asked before a library waits for it."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from hardiness.core import DataError
from hardiness.sources.transfer import OFFLINE, offline

_PATIENCE_S = 1.5


def respect_offline() -> bool:
    """Whether downloads are forbidden; if so, Hugging Face's library is told, for this process."""
    if not offline():
        return False
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        vars(constants)["HF_HUB_OFFLINE"] = True  # it was read before
    return True


def need_hub(repository: str, files: Iterable[str], where: str) -> None:
    """Raise an error unless a file of the hub repository is in the cache or the hub answers.

    Raises:
        DataError: neither; told in two seconds, where the hub's library would try for a minute.
    """
    if "/" not in repository:
        return
    forbidden = respect_offline()
    import huggingface_hub

    if any(isinstance(huggingface_hub.try_to_load_from_cache(repository, file), str) for file in files):
        return
    _need_host(huggingface_hub.constants.ENDPOINT, where, forbidden)


def need_url(url: str, where: str) -> None:
    """Raise an error unless torch has the file of that address in its cache or the host answers.

    Raises:
        DataError: neither.
    """
    import torch

    if (Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]).is_file():
        return
    _need_host(url, where, respect_offline())


def _need_host(url: str, where: str, forbidden: bool) -> None:
    advice = "give a checkpoint with weights=FILE, or weights=random"
    if forbidden:
        raise DataError(f"{where} is not in the cache, and {OFFLINE} forbids to download it; {advice}")
    host = urlsplit(url)
    through = getproxies().get(host.scheme)
    asked = urlsplit(through) if through else host
    if not _answers(asked.hostname or "", asked.port or (443 if asked.scheme == "https" else 80)):
        raise DataError(
            f"{where} is not in the cache, and {host.hostname} cannot be reached; check the network, {advice}"
        )


def _answers(host: str, port: int) -> bool:
    """Whether a host takes a connection within the patience; names are looked up aside, as that cannot be hurried."""
    answered = threading.Event()

    def ask() -> None:
        try:
            socket.create_connection((host, port), _PATIENCE_S).close()
        except OSError:
            return
        answered.set()

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    asker.join(_PATIENCE_S)
    return answered.is_set()
