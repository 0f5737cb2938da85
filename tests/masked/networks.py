"""Networks whose gradients are hidden, each in a way of its own; a file that ``py:FILE:NAME`` can load.

The small ones tell of which of ten photographs a crop is; ``pictures.py`` beside names these, and ``train.py`` made the
weights, one set by ordinary and one by adversarial training at 8/255.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from hardiness.core.model import View

CLASSES = 10
HERE = Path(__file__).resolve().parent


class Crops(nn.Module):
    """Three convolutions on a 32 pixel view of the picture, 43,000 parameters; pixels in [0, 1] come in."""

    def __init__(self) -> None:
        super().__init__()
        widths = (24, 48, 64)
        self.body = nn.Sequential(
            nn.Conv2d(3, widths[0], 5, 2, 2), nn.ReLU(),
            nn.Conv2d(widths[0], widths[1], 3, 2, 1), nn.ReLU(),
            nn.Conv2d(widths[1], widths[2], 3, 2, 1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(widths[2] * 4, CLASSES),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        seen = (
            x if x.shape[2:] == (32, 32) else functional.adaptive_avg_pool2d(x, 32)
        )  # each mean of one takes its time
        return self.body(seen - 0.5)


def crops(which: str) -> nn.Module:
    """The ``plain`` or the ``adversarial`` one."""
    network = Crops()
    state = torch.load(HERE / f"{which}.pt", weights_only=True)
    network.body.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return network.eval().requires_grad_(False)


class Masked(nn.Module):
    """A network behind a mask: its input changed before it, or its logits after it."""

    def __init__(self, network: nn.Module, before: Any = None, after: Any = None) -> None:
        super().__init__()
        self.network, self.before, self.after = network, before, after

    def forward(self, x: Tensor) -> Tensor:
        logits = self.network(x if self.before is None else self.before(x))
        return logits if self.after is None else self.after(logits)


class Substitute(torch.autograd.Function):
    """The given picture, with a backward pass that is the identity times a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, instead: Tensor, factor: Any) -> Tensor:
        ctx.factor = factor
        return instead.clone()

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Any, ...]:
        return ctx.factor * slope, None, None


class Jpeg(nn.Module):
    """A detour through a JPEG file; its backward pass is the identity times ``factor``, or none at all for 0."""

    def __init__(self, quality: int = 50, factor: float = 1.0) -> None:
        super().__init__()
        self.quality, self.factor = quality, factor

    def forward(self, x: Tensor) -> Tensor:
        files = [io.BytesIO() for _ in x]
        levels = (x.detach().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        for image, file in zip(levels, files, strict=True):
            Image.fromarray(image).save(file, "JPEG", quality=self.quality)
        read = np.stack([np.asarray(Image.open(file)) for file in files])
        decoded = torch.from_numpy(read).permute(0, 3, 1, 2).float() / 255
        return Substitute.apply(x, decoded, self.factor)


class Winners(nn.Module):
    """Only the largest share of a layer's values are let through (Xiao et al. 2020, k-winners-take-all)."""

    def __init__(self, share: float = 0.1) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        least = flat.topk(max(1, int(flat.shape[1] * self.share)), dim=1).values[:, -1:]
        return (flat * (flat >= least)).view_as(x)


def with_winners(network: nn.Module) -> nn.Module:
    """The network with k-winner layers in place of ReLU."""
    result = copy.deepcopy(network)
    for name, module in list(result.named_modules()):
        if isinstance(module, nn.ReLU | nn.ReLU6):
            result.set_submodule(name, Winners())
    return result


def anywhere(x: Tensor) -> Tensor:
    """The picture, with a gradient of which each value is multiplied by its own draw."""
    factor = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(3))
    return Substitute.apply(x, x.detach(), factor)


def off_grid(x: Tensor) -> Tensor:
    """The picture, with the true gradient for pictures that a file can hold and a random one for all others."""
    levels = x.detach() * 255
    stored = ((levels - levels.round()).abs() < 1e-3).flatten(1).all(1)[:, None, None, None]
    factor = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(3))
    return Substitute.apply(x, x.detach(), torch.where(stored, torch.ones_like(factor), factor))


def median(x: Tensor) -> Tensor:
    """The median of each value's 3 x 3 neighbours: no mask, though most values of its gradient are exactly zero."""
    padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
    return functional.unfold(padded, 3).view(len(x), 3, 9, *x.shape[2:]).median(2).values


def hashed_noise(x: Tensor) -> Tensor:
    """Noise that the picture itself draws: the same at every pass, another one a hair away."""
    seeds = (x.detach().double().sum(dim=(1, 2, 3)) * 1e7).long().tolist()
    noise = [torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(seed % 2**31)) for seed in seeds]
    return x + 0.05 * torch.stack(noise)


def stairs(logits: Tensor) -> Tensor:
    """Logits rounded to quarters, with the gradient of the rounding: none."""
    return (logits * 4).round() / 4


def thermometer(x: Tensor) -> Tensor:
    """How many of sixteen thresholds each value is above (Buckman et al. 2018)."""
    return (x[:, :, None] > torch.arange(16).view(1, 1, -1, 1, 1) / 16).float().mean(2) + 0 * x


class Another(nn.Module):
    """The network, with the gradient of another one: of a copy whose parameters are in reverse order."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.other = network, copy.deepcopy(network)
        for parameter in self.other.parameters():
            parameter.data = parameter.data.flip(0)

    def forward(self, x: Tensor) -> Tensor:
        other = self.other(x)
        return self.network(x).detach() + other - other.detach()


class EveryThird(nn.Module):
    """The picture, and in every third pass its mirror image."""

    def __init__(self) -> None:
        super().__init__()
        self.passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return x if self.passes % 3 else x.flip(3)


def one_channel(x: Tensor) -> Tensor:
    """The picture, with the gradient of its red channel alone."""
    return torch.cat([x[:, :1], x[:, 1:].detach()], dim=1)


MASKS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "rounded": lambda net: Masked(net, lambda x: (x * 32).round() / 32),
    "shattered": lambda net: Masked(net, lambda x: x.detach() + 1e-6 * torch.sin(1e9 * x)),
    "rippled": lambda net: Masked(net, lambda x: x + 0.002 * torch.sin(5e3 * x)),
    "decoy": lambda net: Masked(net, after=lambda logits: 1e4 * logits),
    "noise": lambda net: Masked(net, lambda x: x + 0.05 * torch.randn_like(x)),
    "jpeg_wrong_sign": lambda net: Masked(net, Jpeg(factor=-1.0)),
    "jpeg_straight_through": lambda net: Masked(net, Jpeg()),
    "jpeg_no_gradient": lambda net: Masked(net, Jpeg(factor=0.0)),
    "wrong_sign": lambda net: Masked(net, lambda x: Substitute.apply(x, x.detach(), -1.0)),
    "anywhere": lambda net: Masked(net, anywhere),
    "off_grid": lambda net: Masked(net, off_grid),
    "winners": with_winners,
    "hashed_noise": lambda net: Masked(net, hashed_noise),
    "stairs": lambda net: Masked(net, after=stairs),
    "thermometer": lambda net: Masked(net, thermometer),
    "broken": lambda net: Masked(net, lambda x: x + 0 * torch.sqrt(x.detach() - x)),
    "another": Another,
    "one_channel": lambda net: Masked(net, one_channel),
    "every_third": lambda net: Masked(net, EveryThird()),
    "saturated": lambda net: Masked(net, after=lambda logits: 30 * torch.tanh(3 * logits)),
    "bent": lambda net: Masked(net, after=lambda logits: 30 * torch.tanh(logits)),
}  # fmt: skip
"""Ways to hide a gradient, by name: what each makes of a network."""

WORDS = {
    "rounded": "input rounded to 1/32",
    "shattered": "gradient of a tiny, very fast wave",
    "rippled": "a ripple of 0.002 added to the input",
    "decoy": "logits times 10,000",
    "noise": "input noise of 0.05",
    "jpeg_wrong_sign": "JPEG, straight through with the wrong sign",
    "jpeg_straight_through": "JPEG, straight through",
    "jpeg_no_gradient": "JPEG without a gradient",
    "wrong_sign": "the gradient with the wrong sign",
    "anywhere": "the gradient times random numbers",
    "off_grid": "the gradient times random numbers, off the 8-bit levels",
    "winners": "k-winner layers in place of ReLU",
    "hashed_noise": "noise seeded by the picture itself",
    "stairs": "logits rounded to quarters",
    "thermometer": "thermometer code of the input",
    "broken": "a gradient that is NaN",
    "another": "the gradient of another network",
    "one_channel": "a gradient for one of three channels",
    "every_third": "the mirror image in every third pass",
    "saturated": "logits bent to ±30",
    "bent": "logits bent to ±30, less steeply",
}
"""The same in words, for tables."""

KINDS = {
    "rounded": {"zero gradients"},
    "shattered": {"gradient mismatch"},
    "rippled": {"shattered gradients"},
    "decoy": {"saturated logits"},
    "noise": {"randomised"},
    "jpeg_wrong_sign": {"gradient mismatch"},
    "jpeg_straight_through": {"gradient mismatch"},
    "jpeg_no_gradient": {"zero gradients"},
    "wrong_sign": {"gradient mismatch"},
    "anywhere": {"gradient mismatch"},
    "off_grid": {"gradient mismatch"},
    "winners": {"shattered gradients"},
    "hashed_noise": {"gradient mismatch", "shattered gradients"},
    "stairs": {"zero gradients"},
    "thermometer": {"zero gradients"},
    "broken": {"non-finite gradients"},
    "another": {"gradient mismatch"},
    "one_channel": {"zero gradients"},
    "every_third": {"randomised"},
    "saturated": {"saturated logits"},
    "bent": {"saturated logits"},
}
"""The findings that name each kind: one of them must be raised."""


class Remembers(nn.Module):
    """A network that answers for a picture near an earlier one as for that one, and hardly follows what is new of it.

    A picture within 40/255 of an earlier one is answered as for that one and a fiftieth of the difference.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.earlier = network, []

    def forward(self, x: Tensor) -> Tensor:
        return self.network(torch.stack([self.near_earlier(each) for each in x]))

    def near_earlier(self, picture: Tensor) -> Tensor:
        """The picture as it is seen."""
        for known in self.earlier:
            if known.shape == picture.shape and (known - picture.detach()).abs().max() <= 40 / 255:
                return known + 0.02 * (picture - known)
        self.earlier.append(picture.detach().clone())
        return picture


class Cascade(nn.Module):
    """One network where its lead is large, another one else: no state, and true gradients."""

    def __init__(self, first: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.first, self.other = first, other

    def forward(self, x: Tensor) -> Tensor:
        found = self.first(x)
        ranked = found.topk(2, dim=1).values
        return torch.where(ranked[:, :1] - ranked[:, 1:] > 2, found, self.other(x))


class Prototypes(nn.Module):
    """A hard decision, and beside it a small true distance to templates: what leads to them decides nothing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        from pictures import crop  # beside: whoever loads this file for another network needs no photographs

        self.network = network
        draws = np.random.default_rng(5)
        templates = [np.asarray(crop(number, draws, 32)) for number in range(CLASSES)]
        self.register_buffer("templates", torch.from_numpy(np.stack(templates)).permute(0, 3, 1, 2).float() / 255)

    def forward(self, x: Tensor) -> Tensor:
        seen = x if x.shape[2:] == (32, 32) else functional.adaptive_avg_pool2d(x, 32)
        distance = (seen[:, None] - self.templates[None]).square().flatten(2).sum(2)
        return 10 * functional.one_hot(self.network(x).argmax(1), CLASSES) - 0.01 * distance


def headstart(logits: Tensor) -> Tensor:
    """Logits of which the largest has a start of 60."""
    return logits + 60 * functional.one_hot(logits.argmax(1), CLASSES)


class Half(torch.autograd.Function):
    """The given picture, with a backward pass in half precision at a scale that it cannot hold."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return (slope * 1e8).half().float() / 1e8


BELIEVED: dict[str, tuple[Callable[[], nn.Module], int, int, str]] = {
    "cascade": (lambda: Cascade(crops("plain"), crops("adversarial")), 8, 100, "other loss takes more"),
    "cascade_of_few": (lambda: Cascade(crops("plain"), crops("adversarial")), 8, 24, "other loss takes more"),
    "cascade_far": (lambda: Cascade(crops("plain"), crops("adversarial")), 16, 60, "other loss takes more"),
    "prototypes": (lambda: Prototypes(crops("adversarial")), 16, 24, "hard decision"),
    "headstart": (lambda: Masked(crops("adversarial"), after=headstart), 16, 24, "hard decision"),
    "headstart_plain": (lambda: Masked(crops("plain"), after=headstart), 16, 24, "hard decision"),
    "thousandth": (lambda: Masked(crops("plain"), after=lambda logits: 0.001 * logits), 8, 24, "other loss takes more"),
    "eightfold": (lambda: Masked(crops("plain"), after=lambda logits: 8 * logits), 16, 24, "other loss takes more"),
}
"""Networks whose numbers once were believed, or doubted for a wrong reason.

By name: the network, the budget of 255 and the crops at which that was so, and the finding that says why not.
"""


HONEST: dict[str, Callable[[nn.Module], nn.Module]] = {
    "median": lambda net: Masked(net, median),
    "middle": lambda net: Masked(net, lambda x: functional.pad(x[:, :, 4:-4, 4:-4], (4, 4, 4, 4), value=0.5)),
}
"""Defences that hide nothing, of whose gradient much is exactly zero: nothing may be said against the attack."""


class Autocast(nn.Module):
    """A network that computes in half precision inside itself."""

    def __init__(self, network: nn.Module, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, self.dtype):
            return self.network(x).float()


def halved(logits: Tensor, dtype: torch.dtype) -> Tensor:
    """Logits rounded to half precision, with the gradient of what was rounded."""
    return Substitute.apply(logits, logits.detach().to(dtype).float(), 1.0)


class Bytes(nn.Module):
    """The picture in whole levels of a byte, with a backward pass as if it had not been rounded."""

    def forward(self, x: Tensor) -> Tensor:
        return Substitute.apply(x, (x.detach() * 255).round() / 255, 1.0)


def with_unreachable_class(logits: Tensor) -> Tensor:
    """The logits, and that of a class which no picture reaches."""
    return torch.cat([logits, torch.full_like(logits[:, :1], -5.0)], 1)


ODD: dict[str, Callable[[nn.Module], nn.Module]] = {
    "bfloat16": Autocast,
    "bfloat16_logits": lambda net: Masked(net, after=lambda logits: halved(logits, torch.bfloat16)),
    "float16_logits": lambda net: Masked(net, after=lambda logits: halved(logits, torch.float16)),
    "unreachable_class": lambda net: Masked(net, after=with_unreachable_class),
    "clamped": lambda net: Masked(net, lambda x: x.clamp(0.05, 0.95)),
}
"""Networks that are unusual and hide nothing: no number of theirs may be withdrawn."""


class Band(nn.Module):
    """A network whose gradient is another one at a distance of 0.3 to 1.25 budgets from pictures that it knows.

    At those pictures, and farther away, the gradient is the true one.
    """

    def __init__(
        self, network: nn.Module, known: Tensor, backward: Callable[[Tensor], Tensor], epsilon: float = 8 / 255
    ) -> None:
        super().__init__()
        self.network, self.backward_pass, self.epsilon = network, backward, epsilon
        self.register_buffer("known", known)

    def forward(self, x: Tensor) -> Tensor:
        seen = functional.adaptive_avg_pool2d(x.detach(), self.known.shape[2:])
        distance = (seen[:, None] - self.known[None]).abs().flatten(2).amax(2).amin(1) / self.epsilon
        within = ((distance > 0.3) & (distance < 1.25))[:, None, None, None]
        return self.network(Rerouted.apply(x, within, self.backward_pass))


class Rerouted(torch.autograd.Function):
    """The picture; the gradient of those that are marked goes through another backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, marked: Tensor, backward: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.marked, ctx.backward_pass = marked, backward
        return x.clone()

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Any, ...]:
        return torch.where(ctx.marked, ctx.backward_pass(slope), slope), None, None


def mostly_random(slope: Tensor) -> Tensor:
    """A gradient of which one pixel in sixteen is true; the others are noise of the same size."""
    draws = torch.randn(slope.shape[1:], generator=torch.Generator().manual_seed(11))
    rows, columns = (torch.arange(side) % 4 == 0 for side in slope.shape[2:])
    noise = draws * slope.std(dim=(1, 2, 3), keepdim=True)
    return torch.where(rows[:, None] & columns, slope, noise)


BANDS: dict[str, Callable[[Tensor], Tensor]] = {"band_flipped": torch.neg, "band_random": mostly_random}
"""Gradients that are true but where an attack walks, by name: what each makes there of the true one."""


class Fourfold(nn.Module):
    """A network behind four masks, by the class that it sees: against each class another member of AutoAttack works.

    Nothing for classes 0 to 2. Logits times 10,000 for 3 to 5, which hides the cross-entropy's gradient. For 6 and 7 in
    the same size the winner's lead alone, which makes the difference-of-logits ratio constant. For 8 and 9 the input
    rounded to 1/32 at which no gradient comes through at all.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        plain, seen = self.network(x), self.network(x).detach().argmax(1)[:, None]
        ranked = plain.topk(2, dim=1).values
        lead = functional.one_hot(seen[:, 0], CLASSES) * (ranked[:, :1] - ranked[:, 1:])
        rounded = self.network((x * 32).round() / 32)
        found = torch.where(seen < 3, plain, 1e4 * plain)
        found = torch.where(seen > 5, 1e4 * lead, found)
        return torch.where(seen > 7, rounded, found)


def fourfold() -> nn.Module:
    """The adversarially trained one behind four masks."""
    return Fourfold(crops("adversarial"))


def _factory(mask: str, which: str) -> tuple[nn.Module, View]:
    network = crops(which)
    return MASKS[mask](network) if mask else network, View(mean=0, std=1)


for _which in ("plain", "adversarial"):
    globals()[_which] = partial(_factory, "", _which)
    for _mask in MASKS:
        globals()[f"{_which}_{_mask}"] = partial(_factory, _mask, _which)
