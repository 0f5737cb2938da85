"""Tensors of a checkpoint as the parameters of a network: names recognised, shapes and types exact."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec, View

if TYPE_CHECKING:
    from torch import Tensor, nn


_MEANS, _STDS = ("mean", "mu"), ("std", "sigma")
_COUNTERS = ("n_averaged", "num_updates", "decay", "step", "initted", "iteration", "epoch")
_PROFILER = ("total_ops", "total_params")  # what thop leaves in every module
_SHOWN = 5


@dataclass(frozen=True)
class Fit:
    """A checkpoint under a network's own names.

    Attributes:
        state: names to tensors; the network's own names where they were recognised.
        notes: on the prefix, the normalisation beside the network and the tensors that were left out.
    """

    state: dict[str, Tensor]
    notes: tuple[Fact, ...] = ()


def fit(names: Sequence[str], state: Mapping[str, Tensor], view: View, where: str) -> Fit:
    """The tensors whose names are the network's own, once the prefix is taken off that brings all of them in.

    Prefixes are those that occur: ``module.`` of DataParallel, ``_orig_mod.`` of torch.compile, ``model.``,
    ``backbone.``, ``ema_model.``, any other, or several of them. Beside the network may stand a normalisation, which
    must be the view's, and counters of a trainer, which are left out; other tensors are not.

    Raises:
        ModelError: a normalisation is stored beside the network and the view has another.
    """
    needed = [name for name in names if not name.endswith("num_batches_tracked")]
    prefix = _prefix(needed, state)
    if prefix is None:
        return Fit(dict(state))
    inner = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    outer = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
    rest = {
        **outer,
        **{name: inner.pop(name) for name in list(inner) if name not in set(names) and _may_be_beside(name)},
    }
    normalisation = _normalisation(rest, view, where)
    copies = {name for name in outer if prefix and _is_copy(name, needed)}
    unexpected = [name for name in rest if not _may_be_beside(name) and name not in copies]
    notes: tuple[Fact, ...] = ()
    if prefix or normalisation or copies:
        left_out = {"left_out": len(copies), "example": min(copies, default="")}
        fitted = {"prefix": prefix, "normalisation": normalisation, **left_out}
        notes = (Fact(ModelNote.CHECKPOINT_TENSORS, fitted),)
    return Fit({**inner, **{name: rest[name] for name in unexpected}}, notes)


def _prefix(needed: Sequence[str], state: Mapping[str, Tensor]) -> str | None:
    """The shortest prefix under which every needed name stands in the checkpoint, or ``None``."""
    if not needed:
        return None
    prefixes = {name[: -len(needed[0])] for name in state if _ends(name, needed[0])}
    whole = [prefix for prefix in prefixes if all(prefix + name in state for name in needed)]
    return min(whole, key=lambda prefix: ("ema" in prefix, len(prefix), prefix), default=None)


def _ends(name: str, tail: str) -> bool:
    return name == tail or name.endswith(f".{tail}")


def _is_copy(name: str, needed: Iterable[str]) -> bool:
    return any(_ends(name, tail) for tail in needed) or name.endswith("num_batches_tracked")


def _may_be_beside(name: str) -> bool:
    """Whether a tensor of that name may stand beside a network, and be no part of it."""
    last = name.rpartition(".")[2]
    return last in _PROFILER or name in _COUNTERS or _role(name) is not None


def _role(name: str) -> str | None:
    """``mean`` or ``std``, for ``mu``, ``normalizer.mean``, ``normalize.std``, ``0.sigma`` and their like."""
    owner, _, last = name.rpartition(".")
    tail = owner.rpartition(".")[2]
    if owner and not (tail.isdecimal() or tail.lower().startswith(("norm", "preproc"))):
        return None
    last = last.removeprefix("_")
    return "mean" if last in _MEANS else "std" if last in _STDS else None


def _normalisation(rest: Mapping[str, Tensor], view: View, where: str) -> tuple[str, ...]:
    """``mean`` and ``std``, where they are stored beside the network.

    Raises:
        ModelError: the view has other numbers.
    """
    by_role = {_role(name): tensor for name, tensor in rest.items() if _role(name)}
    for role in ("mean", "std"):
        tensor = by_role.get(role)
        if tensor is None:
            continue
        stored, ours = tensor.flatten().double().tolist(), getattr(view, role)
        stored = stored * 3 if len(stored) == 1 else stored
        if len(stored) != 3 or max(abs(a - b) for a, b in zip(stored, ours, strict=True)) > 1e-3:
            text = "/".join(f"{value:.6g}" for value in stored[:3])
            raise ModelError(
                f"{where} brings a normalisation of its own, whose {role} is {text}, and the view has {ours}; "
                f"state {role}={text} behind the model's name"
            )
    return tuple(filter(None, by_role))


def in_order(network: nn.Module, state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The tensors under the network's own names, entry by entry: for checkpoints whose names differ.

    Raises:
        ModelError: the numbers of entries differ.
    """
    names = list(network.state_dict())
    if len(names) != len(state):
        raise ModelError(f"{where} must hold {len(names)} entries for this network, held {len(state)}")
    return dict(zip(names, state.values(), strict=True))


def assign(network: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Make the tensors the network's own parameters, without a second copy; names and shapes must be exact.

    Raises:
        ModelError: names are missing or unexpected, or shapes or kinds of numbers differ; the message gives the first.
    """
    import torch

    own = network.state_dict()
    # Checkpoints older than torch 0.4.1 lack this counter, which evaluation never reads.
    counters = {name for name in own if name.endswith("num_batches_tracked")}
    both = [name for name in own if name in state]
    problems = {
        "missing": [name for name in own if name not in state and name not in counters],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
            for name in both
            if state[name].shape != own[name].shape
        ],
        "of another kind": [f"{name} {odd}" for name in both if (odd := _odd_kind(state[name], own[name]))],
    }
    faults = [_list_some(tensors, what) for what, tensors in problems.items() if tensors]
    if faults:
        raise ModelError(f"{where} does not fit the network: {'; '.join(faults)}; {_advice(own, state)}")
    ready: Any = OrderedDict(
        (name, state[name].to(own[name].dtype) if name in state else torch.zeros((), dtype=torch.int64)) for name in own
    )
    ready._metadata = getattr(own, "_metadata", {})  # the version of each layer's names, which some layers read
    network.load_state_dict(ready, assign=True)


def _odd_kind(tensor: Tensor, own: Tensor) -> str | None:
    """The kind of a tensor that cannot be copied without loss of meaning; ``None`` for one that can."""
    if tensor.is_quantized:
        return "quantised"
    if str(tensor.layout) != "torch.strided":
        return "sparse"
    if tensor.is_complex() != own.is_complex() or tensor.is_floating_point() != own.is_floating_point():
        return f"{tensor.dtype} for {own.dtype}".replace("torch.", "")
    return None


def _list_some(tensors: Sequence[str], what: str) -> str:
    return f"{len(tensors)} {what} ({', '.join(tensors[:_SHOWN])}{', …' if len(tensors) > _SHOWN else ''})"


def _advice(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    """Advice on the prefix without which most names would fit, where there is one."""
    tails: dict[str, int] = {}
    for name in state:
        parts = name.split(".")
        for cut in range(1, len(parts)):
            if ".".join(parts[cut:]) in own:
                prefix = ".".join(parts[:cut]) + "."
                tails[prefix] = tails.get(prefix, 0) + 1
    here = sum(name in state for name in own)
    best = max(tails, key=lambda prefix: tails[prefix], default="")
    if best and tails[best] > here:
        return f"without the prefix {best!r} {tails[best]} of {len(own)} names would fit"
    return "is it another model's checkpoint?"


def refuse_not_finite(network: nn.Module, name: str) -> None:
    """Raise an error unless all tensors are finite; buffers other than statistics may hold infinities.

    Raises:
        ModelError: a tensor is not; the message names the first one.
    """
    masks = {key for key, _ in network.named_buffers() if "running_" not in key}
    for key, tensor in network.state_dict().items():
        if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.is_meta:
            continue
        broken = tensor.isnan() if key in masks else ~tensor.isfinite()
        if bool(broken.any()):
            raise ModelError(
                f"{name} has weights that are not finite: {int(broken.sum()):,} of {tensor.numel():,} numbers of "
                f"{key} are NaN or infinite; fetch or save the checkpoint again"
            )


def check_parameters(network: nn.Module, spec: ModelSpec) -> int:
    """The number of learnable parameters, once it is what the spec says.

    Raises:
        ModelError: it is another.
    """
    count = sum(parameter.numel() for parameter in network.parameters())
    if spec.source.parameters is not None and count != spec.source.parameters:
        raise ModelError(f"{spec.name} must have {spec.source.parameters:,} parameters, has {count:,}")
    return count
