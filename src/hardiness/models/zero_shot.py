"""Zero-shot models as classifiers: an image tower, and a head made of the classes' sentences, embedded once."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.whole_files import whole_file
from hardiness.models.determinism import full_fp32
from hardiness.models.failures import first_line
from hardiness.models.identity import state_sha256
from hardiness.reference.classes import wnids
from hardiness.reference.wordings import Wording, wording, wordings
from hardiness.sources.packages import cache_folder
from hardiness.store.files import Files

if TYPE_CHECKING:
    from torch import Tensor, nn

DEFAULT_PROTOCOL = "openai80"
OPTIONS = {
    "protocol": f"class names and templates: {', '.join(wordings())} or a JSON file with names and templates "
    f"(default: {DEFAULT_PROTOCOL})"
}
MEMO = "text"
"""The folder of an output folder that holds class weights."""

_CLASSES_AT_ONCE = 8
_CACHE_VERSION = 1


@dataclass(frozen=True)
class TextTower:
    """A text tower, which turns sentences into embeddings.

    Attributes:
        network: whose weights the embeddings come from, for the cache.
        tokenise: sentences to whatever ``embed`` takes, which goes to a device by ``to``.
        embed: tokens to embeddings ``(n, D)``, not normalised.
        name: of the tokeniser and its settings, for the cache.
    """

    network: nn.Module
    tokenise: Callable[[Sequence[str]], Any]
    embed: Callable[[Any], Tensor]
    name: str

    def _embedded(self, words: Wording, device: str) -> Tensor:
        """The classes' weights, by the tower on a device, where it stays no longer than this takes."""
        import torch
        from torch.nn.functional import normalize

        parts = []
        self.network.to(device)
        try:
            with torch.no_grad(), full_fp32(torch.device(device)):
                for start in range(0, len(words.names), _CLASSES_AT_ONCE):
                    names = words.names[start : start + _CLASSES_AT_ONCE]
                    sentences = [template.replace("{}", name) for name in names for template in words.templates]
                    embeddings = normalize(self.embed(self.tokenise(sentences).to(device)).float(), dim=-1)
                    parts.append(normalize(embeddings.view(len(names), len(words.templates), -1).mean(1), dim=-1).cpu())
        finally:
            self.network.to("cpu")
        return torch.cat(parts).T.contiguous()

    def _key(self, words: Wording) -> str:
        facts = {
            "version": _CACHE_VERSION,
            "names": words.names_sha256,
            "templates": words.templates_sha256,
            "weights": state_sha256(self.network.state_dict()),
            "tokeniser": self.name,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def class_weights(self, words: Wording) -> Tensor:
        """The classes' weights, float32 ``(D, classes)``, in main memory.

        They are those of the output folder where it holds them, else of this machine's cache, else embedded now; and
        kept in both.
        """
        import torch

        place, key = _TEXT_PLACE.get(), self._key(words)
        file, name = cache_folder() / "text" / f"{key}.npy", f"{MEMO}/{key}.npy"
        weights = None if place.files is None else _unpacked(place.files.read(name) or b"")
        if weights is not None:
            return torch.from_numpy(weights)
        weights = _cached(file)
        if weights is None:
            weights = self._embedded(words, place.device).numpy()
            _keep(weights, file)
        if place.files is not None:
            buffer = io.BytesIO()
            np.save(buffer, weights)
            with suppress(StoreError):  # a folder that may only be read
                if not place.files.create(name, buffer.getvalue()):
                    first = _unpacked(place.files.read(name) or b"")
                    if first is None:  # it is damaged
                        place.files.write(name, buffer.getvalue())
                    return torch.from_numpy(weights if first is None else first)
        return torch.from_numpy(weights)


@dataclass(frozen=True)
class ImageTower:
    """An image tower, which turns normalised images into embeddings, and the scale of their logits.

    Attributes:
        network: the module that holds the tower's weights.
        embed: ``(network, images)`` to embeddings ``(n, D)``, not normalised.
        width: D.
        scale, bias: ``logits = scale * cosine + bias``.
    """

    network: nn.Module
    embed: Callable[[nn.Module, Tensor], Tensor]
    width: int
    scale: float
    bias: float = 0.0


def wording_of(protocol: str) -> Wording:
    """The wording of a published protocol, or of a person's own JSON file ``{"names": […], "templates": […]}``.

    Either entry of a file may be left out: names are then the published ones, and the one template is ``a photo of a
    {}.``. Names stand in the order of the wnids.

    Raises:
        UnknownNameError: it is no protocol and no file.
        ArgumentError: the file holds something else.
    """
    path = Path(protocol)
    if not path.is_file():
        return wording(protocol)
    try:
        settings = json.loads(path.read_text("utf-8"))
        names = tuple(settings.get("names", wording(DEFAULT_PROTOCOL).names))
        templates = tuple(settings.get("templates", ("a photo of a {}.",)))
    except (ValueError, AttributeError, TypeError, OSError) as error:
        raise ArgumentError(
            f"protocol {protocol} must be a JSON file with names and templates: {first_line(error)}"
        ) from None
    if len(names) != len(wnids()) or not all(isinstance(name, str) and name for name in names):
        raise ArgumentError(f"names in {protocol} must be {len(wnids())} words in wnid order, were {len(names)}")
    if not templates or not all(isinstance(template, str) and template.count("{}") == 1 for template in templates):
        raise ArgumentError(f"templates in {protocol} must be sentences with {{}} once, where the name goes")
    return Wording(names, templates)


def recorded(protocol: str) -> tuple[tuple[str, object], ...]:
    """The options that make a zero-shot model's identity beside its weights."""
    words = wording_of(protocol)
    return (
        ("protocol", protocol),
        ("names_sha256", words.names_sha256),
        ("templates_sha256", words.templates_sha256),
        ("ensemble", "mean of normalised embeddings, normalised"),
        ("text_precision", "fp32"),
    )


def classifier_of(tower: ImageTower, text: TextTower | None, options: Mapping[str, Any]) -> nn.Module:
    """A network of 1,000 logits: ``scale * normalised image embedding @ class weights + bias``.

    Args:
        tower: of the images.
        text: of the sentences; ``None`` leaves the class weights to be filled (``weights=random``).
        options: the spec's, with the protocol.

    Source: Radford et al. 2021, section 3.1.4: a class's weight is the mean over its templates of the normalised
        embeddings, normalised. Each class's weight depends on its own name alone, so restricting 1,000 logits to 200
        classes is the same as embedding 200 names.
    """
    import torch
    from torch import nn

    words = wording_of(options["protocol"])
    weights = torch.zeros(tower.width, len(words.names)) if text is None else text.class_weights(words)

    class ZeroShot(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = tower.network
            self.class_weights = nn.Parameter(weights)

        def forward(self, images: Tensor) -> Tensor:
            embeddings = nn.functional.normalize(tower.embed(self.tower, images), dim=-1)
            return tower.scale * (embeddings @ self.class_weights) + tower.bias

    return ZeroShot().eval()


@dataclass(frozen=True)
class TextPlace:
    """The device that embeds sentences, and the output folder that keeps class weights.

    Attributes:
        device: torch's name of it.
        files: of the output folder, whose word counts: class weights are part of a run's key, and processors differ in
            their last digits, so that all who share the folder must have the same; ``None`` without a folder.
    """

    device: str = "cpu"
    files: Files | None = None


_TEXT_PLACE: ContextVar[TextPlace] = ContextVar("text place", default=TextPlace())  # noqa: B039  # frozen


@contextmanager
def embedded_at(place: TextPlace) -> Iterator[None]:
    """Let networks that are built within embed their sentences at a place."""
    before = _TEXT_PLACE.set(place)
    try:
        yield
    finally:
        _TEXT_PLACE.reset(before)


def _cached(file: Path) -> NDArray[np.float32] | None:
    """Class weights that this machine embedded before; ``None`` without any, or where a damaged file goes."""
    if not file.is_file():
        return None
    weights = _unpacked(file.read_bytes())
    if weights is None:
        file.unlink(missing_ok=True)
    return weights


def _unpacked(content: bytes) -> NDArray[np.float32] | None:
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False), np.float32)
    except (ValueError, EOFError, OSError):  # what is damaged is no answer
        return None


def _keep(array: np.ndarray[Any, Any], file: Path) -> None:
    """Keep an array for the next process; a cache that cannot be written is done without."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as part, part.open("wb") as stream:
            np.save(stream, array)
