"""Functions that take the file itself, or the picture at its own size: what they are given, and what they answer."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, ModelError, RefusedModelError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, ModelSpec, View, WholePicture
from hardiness.core.random import rng
from hardiness.imaging.codecs import encode_jpeg, png
from hardiness.models.broken_models import MOST_APART
from hardiness.models.catalogue import PlainFunction
from hardiness.models.chat.model import EndpointRuntime
from hardiness.models.failures import foreign_errors, well_behaved
from hardiness.models.identity import Identity
from hardiness.models.preprocessing import InputPolicy
from hardiness.models.runtimes.function_runtime import logits_of_rows, rows_of_call
from hardiness.models.stated_views import PREPROCESSING

TAKES, JPEG = "takes", "jpeg"
"""Names of the options that say that a function takes whole pictures, and as what it gets those that were changed."""

FORMS = ("encoded", "full")
"""Values of `TAKES`: the file's bytes, or the decoded picture."""

WHOLE_OPTIONS = {
    TAKES: "encoded: the function is given files as bytes; full: pictures as uint8 (H, W, 3), at their own size",
    JPEG: "quality, 1 to 100, of the JPEG as which takes=encoded gets corrupted pictures; PNG by default",
}
"""These options, and their help."""

MOST_PIXELS = 64_000_000
"""Pixels of a call, all of its pictures together."""

_PROBES = ((240, 320), (400, 300))
"""Height and width of the two pictures by which a function is tried: they differ, as those of a call may."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""


def whole_picture_of(options: Mapping[str, Any], name: str) -> WholePicture | None:
    """The form that options state; ``None`` where the function takes pictures of one size.

    Raises:
        ArgumentError: there is no such form, a quality stands beside no file, or is none.
    """
    form, quality = options.get(TAKES), options.get(JPEG)
    if form is None:
        if quality is not None:
            raise ArgumentError(f"{JPEG}= of {name} goes with {TAKES}=encoded; add that or leave it out")
        return None
    if form not in FORMS:
        raise UnknownNameError(f"{TAKES} of {name}", str(form), FORMS)
    if quality is None:
        return WholePicture(form == "encoded")
    if form != "encoded":
        raise ArgumentError(f"{JPEG}= of {name} goes with {TAKES}=encoded: {TAKES}=full gets decoded pictures")
    text = str(quality)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 100):
        raise ArgumentError(f"{JPEG}= of {name} must be a whole number from 1 to 100, was {text[:40]!r}")
    return WholePicture(encoded=True, jpeg_quality=int(text))


def refuse_view(name: str, stated: Mapping[str, Any], view: View | None = None) -> None:
    """Raise an error where a view is stated for a function that is asked for none.

    Args:
        name: of the model.
        stated: its options.
        view: that came with the function.

    Raises:
        ArgumentError: naming what is stated.
    """
    names = (*View.__dataclass_fields__, "input_px", PREPROCESSING)
    stated_names = [f"{key}=" for key in names if key in stated] or (["a view"] if view is not None else [])
    if stated_names:
        raise ArgumentError(
            f"{stated_names[0]} is not for {name}, which takes pictures at their own size and resizes them itself "
            f"({TAKES}={stated[TAKES]}); leave it out"
        )


def encoded(image: Image, form: WholePicture, original: bytes = b"") -> bytes:
    """A changed picture as a file, which says how the camera was held where the original file did.

    Args:
        image: ``uint8 (H, W, 3)``, as it was decoded, so not turned.
        form: PNG or a JPEG of a quality.
        original: bytes of the file that it was made of; none where there is no such file.
    """
    turned = _orientation(original) if original else 1
    if turned == 1:
        return encode_jpeg(image, form.jpeg_quality) if form.jpeg_quality else png(image)
    exif = Pictures.Exif()
    exif[_ORIENTATION] = turned
    stream = io.BytesIO()
    kind, settings = ("JPEG", {"quality": form.jpeg_quality}) if form.jpeg_quality else ("PNG", {"compress_level": 3})
    Pictures.fromarray(image).save(stream, kind, exif=exif, **settings)
    return stream.getvalue()


def _orientation(content: bytes) -> int:
    """How a file says that its picture is to be turned, 1 to 8; 1 where it says nothing that can be read."""
    try:
        with Pictures.open(io.BytesIO(content)) as picture:
            turned = picture.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, KeyError):
        return 1
    return turned if turned in range(1, 9) else 1


def probes(form: WholePicture) -> list[Image | bytes]:
    """Two pictures of coarse patches, of other sizes, as a function gets changed ones."""
    pictures = []
    for height, width in _PROBES:
        draws = rng(0, "whole pictures", height, str(width)).integers(0, 256, (height // 20, width // 20, 3))
        pictures.append(np.ascontiguousarray(draws.astype(np.uint8).repeat(20, 0).repeat(20, 1)))
    return [encoded(picture, form) if form.encoded else picture for picture in pictures]


def first_rows(network: PlainFunction, name: str, form: WholePicture) -> NDArray[np.float32]:
    """A function's answer to two pictures, once it has shown that it treats each on its own.

    Raises:
        RefusedModelError: it answers otherwise for a picture alone than beside another.
        ModelError: it does not answer in time, or not with such rows.
    """
    rows = rows_of_call(network, name, probes(form), len(_PROBES))
    alone = rows_of_call(network, name, probes(form)[:1], 1)  # made anew: the function may have written into the others
    largest = float(np.abs(rows[0]).max(initial=1e-12))
    if np.isfinite(rows[0]).all() and not float(np.abs(alone[0] - rows[0]).max(initial=0.0)) <= MOST_APART * largest:
        raise RefusedModelError(
            f"{name} answers otherwise for a picture alone than beside others, so its results would depend on the "
            "batch size, or on chance: are pictures padded to the largest of a call, or does it draw at random?"
        )
    return rows


@dataclass(eq=False)
class WholePictureModel:
    """A function that takes whole pictures, as the engine sees models.

    Attributes:
        spec: its name; form and quality are among its options.
        network: the function.
        form: what it is given.
        identity: of its code.
        num_classes: width of its logits.
        columns: which outputs are the classes, in order; ``None`` for all of them.
        notes: on how it was loaded.
        outputs: ``"probabilities"`` where logits are their logarithms; empty where they are logits.
    """

    spec: ModelSpec
    network: PlainFunction
    form: WholePicture
    identity: Identity
    num_classes: int
    columns: tuple[int, ...] | None = None
    notes: tuple[Fact, ...] = ()
    outputs: str = ""

    precision, device, runtimes = "fp32", "cpu", EndpointRuntime("function")
    has_gradients, num_parameters = False, 0

    @property
    def weights_sha256(self) -> str:
        """There are no tensors to hash: what it holds of them counts with its code."""
        return self.identity.weights_sha256

    @property
    def outputs_sha256(self) -> str:
        """The hash over which output means which class."""
        return self.identity.outputs_sha256

    @property
    def code_sha256(self) -> str:
        """The hash over its code, or a tag."""
        return self.identity.code_sha256

    @property
    def why_no_gradients(self) -> str:
        """The reason why it has no gradients, in words."""
        return f"it {self.network.kind}"

    def answers(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """Logits ``(N, num_classes)`` for pictures of any sizes, all in one call.

        The function gets copies, as other models see these pictures too.

        Args:
            pictures: ``uint8 (H, W, 3)`` each; of a function that takes files their bytes, ``uint8 (bytes,)``.

        Raises:
            ModelError: it fails, does not answer in time, or answers with other rows.
        """
        batch = [picture.tobytes() if self.form.encoded else picture.copy() for picture in pictures]
        what = f"fails on {len(batch)} {'files' if self.form.encoded else 'pictures'}"
        with foreign_errors(self.spec.name, what), well_behaved():
            rows = rows_of_call(self.network, self.spec.name, batch, len(batch))
        logits = logits_of_rows(self.network, self.spec.name, rows)
        logits = logits if self.columns is None else logits[:, list(self.columns)]
        if logits.shape[1] != self.num_classes:
            raise ModelError(f"{self.spec.name} returned {logits.shape[1]} numbers, and before {self.num_classes}")
        return np.ascontiguousarray(logits, np.float32)

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """Nothing is resized before it."""
        return InputPolicy(canvas_px, canvas_px)

    def activation_bytes(self, px: int) -> int:
        """Zero: calls are bounded by the pixels of their pictures."""
        return 0

    def afresh(self) -> None:
        """``None``: a function cannot be copied."""

    def logits(self, *_: Any) -> Any:
        """Raise an error: it takes no pictures of one size.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"{self.spec.name} takes pictures at their own size ({TAKES}={FORMS[not self.form.encoded]}); it goes with "
            "hardiness run on own, imagenet-val and own-c"
        )

    pooled = differentiable = differentiable_through = plain_logits = logits
    layers = property(logits)


def whole_picture_model(classifier: Any) -> WholePictureModel | None:
    """A function that takes whole pictures, where a model is one; ``None`` where it has a view."""
    return classifier if isinstance(classifier, WholePictureModel) else None
