"""Checkpoint files of every usual make, and the ways in which they can be wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ModelError
from hardiness.core.model import ModelSpec, Source, View
from hardiness.models.checkpoints import read_checkpoint, read_state
from hardiness.models.weights import assign, check_parameters, fit, in_order
from hardiness.report.words import text

Make = Callable[..., nn.Module]


def _wrapped(kind: str, state: dict[str, torch.Tensor]) -> dict[str, Any]:
    if kind == "state_dict":
        return {"epoch": 90, "state_dict": state, "optimizer": {"lr": 0.1}}
    if kind == "model":
        return {"model": state}
    return {f"{kind}{name}": tensor for name, tensor in state.items()} if kind else state


@pytest.mark.parametrize("kind", ["", "state_dict", "model", "module.", "_orig_mod."])
@pytest.mark.parametrize("legacy", [False, True])
def test_usual_forms_are_understood(tiny: Make, tmp_path: Path, kind: str, legacy: bool) -> None:
    state = tiny().state_dict()
    file = tmp_path / "net.pth"
    torch.save(_wrapped(kind, dict(state)), file, _use_new_zipfile_serialization=not legacy)
    found = _fitted(tiny(), read_state(file))
    assert list(found) == list(state)
    assert all(torch.equal(found[name], state[name]) for name in state)


def _fitted(network: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return fit(list(network.state_dict()), state, View(), "file").state


def test_wrapper_and_prefix_together(tiny: Make, tmp_path: Path) -> None:
    state = {f"module.{name}": tensor for name, tensor in tiny().state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    assert list(_fitted(tiny(), read_state(tmp_path / "net.pth"))) == list(tiny().state_dict())


def test_safetensors_are_understood(tiny: Make, tmp_path: Path) -> None:
    state = tiny().state_dict()
    save_file(dict(state), tmp_path / "net.safetensors")
    found = read_state(tmp_path / "net.safetensors")
    assert set(found) == set(state)
    assert all(torch.equal(found[name], state[name]) for name in state)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("harmed",)


def test_code_in_a_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": _Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match=r"evil\.pth is no checkpoint that can be read safely"):
        read_state(tmp_path / "evil.pth")
    assert "harmed" not in capsys.readouterr().out


@pytest.mark.parametrize("keep", [0, 10, 1000, -100])
def test_a_truncated_file_is_told(tiny: Make, tmp_path: Path, keep: int) -> None:
    file = tmp_path / "net.pth"
    torch.save(tiny().state_dict(), file)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"net\.pth is no checkpoint .*truncated"):
        read_state(file)


def test_a_broken_safetensors_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(b"\x01\x02")
    with pytest.raises(ModelError, match="no readable safetensors file"):
        read_state(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("content", "said"),
    [({}, "an empty dictionary"), ({"epoch": 3}, "'epoch'"), ([1], "a list"), (torch.zeros(2), "a Tensor")],
)
def test_files_without_named_tensors_are_told(tmp_path: Path, content: object, said: str) -> None:
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(ModelError, match=f"tensors by name .a state dict., held .*{said}"):
        read_state(tmp_path / "net.pth")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is none at .*no\.pth"):
        read_state(tmp_path / "no.pth")


def test_a_plain_pickle_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match=r"no checkpoint|tensors by name"):
        read_state(tmp_path / "net.pth")


def test_assigning_copies_nothing_and_fills_meta_networks(tiny: Make) -> None:
    state = dict(tiny().state_dict())
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))
    renamed = {
        name: state[old]
        for name, old in {
            "0.weight": "conv1.weight",
            **{f"1.{part}": f"bn1.{part}" for part in ("weight", "bias", "running_mean", "running_var")},
        }.items()
    }
    assign(network, renamed, "somewhere")
    assert network[0].weight.data_ptr() == state["conv1.weight"].data_ptr()
    assert network[1].num_batches_tracked.item() == 0
    assert not any(tensor.is_meta for tensor in network.state_dict().values())


def test_half_precision_checkpoints_become_fp32(tiny: Make) -> None:
    network = tiny()
    halved = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in network.state_dict().items()
    }
    assign(network, halved, "somewhere")
    assert network.head.weight.dtype == torch.float32


def test_misfits_are_named(tiny: Make) -> None:
    state = dict(tiny().state_dict())
    state["extra.weight"] = state.pop("conv1.weight")
    state["head.weight"] = state["head.weight"][:3]
    with pytest.raises(ModelError) as caught:
        assign(tiny(), state, "file.pth")
    said = str(caught.value)
    assert "file.pth does not fit" in said
    assert "1 missing (conv1.weight)" in said
    assert "1 unexpected (extra.weight)" in said
    assert "1 of another shape (head.weight (3, 16) for (7, 16))" in said


def test_only_the_first_misfits_are_listed(tiny: Make) -> None:
    with pytest.raises(ModelError, match=r"missing \(conv1.weight, .*, …\)"):
        assign(tiny(), {"other": torch.zeros(1)}, "file.pth")


def test_entries_match_in_order(tiny: Make) -> None:
    network = tiny()
    state = {str(position): tensor for position, tensor in enumerate(network.state_dict().values())}
    assert list(in_order(network, state, "f")) == list(network.state_dict())
    with pytest.raises(ModelError, match="must hold 15 entries for this network, held 14"):
        in_order(network, dict(list(state.items())[1:]), "f")


def test_parameters_are_counted(tiny: Make) -> None:
    count = sum(parameter.numel() for parameter in tiny().parameters())
    assert check_parameters(tiny(), ModelSpec("net", "", source=Source(parameters=count))) == count
    with pytest.raises(ModelError, match=rf"net must have 5 parameters, has {count:,}"):
        check_parameters(tiny(), ModelSpec("net", "", source=Source(parameters=5)))


@pytest.mark.parametrize("prefix", ["backbone.", "module.model.", "ema_model.module.", "encoder_q.", "_orig_mod.net."])
def test_any_prefix_is_recognised_and_told(tiny: Make, prefix: str) -> None:
    own = tiny().state_dict()
    found = fit(list(own), {f"{prefix}{name}": tensor for name, tensor in own.items()}, View(), "file")
    assert list(found.state) == list(own)
    (note,) = found.notes
    assert (note.code, note.arguments["prefix"]) == (ModelNote.CHECKPOINT_TENSORS, prefix)
    assert text(note) == f"the prefix {prefix!r} of its checkpoint's names was taken off"


@pytest.mark.parametrize("entry", ["state_dict_ema", "model_ema", "ema"])
def test_a_moving_average_is_told(tiny: Make, tmp_path: Path, entry: str) -> None:
    file, state = tmp_path / "net.pth", dict(tiny().state_dict())
    torch.save({entry: {f"module.{name}": tensor for name, tensor in state.items()}, "epoch": 3}, file)
    found = read_checkpoint(file)
    assert [*map(text, found.notes)] == [f"its weights are a moving average (entry {entry!r} of net.pth)"]
    torch.save({"model": {name: tensor + 1 for name, tensor in state.items()}, entry: state}, file)
    both = read_checkpoint(file)
    assert torch.equal(both.state["head.bias"], state["head.bias"] + 1), "the weights before their average"
    assert "holds several networks" in text(both.notes[0])
    assert both.notes[0].arguments["others"] == (entry,)
    chosen = read_checkpoint(f"{file}#{entry}")
    assert torch.equal(chosen.state["head.bias"], state["head.bias"])
    with pytest.raises(ModelError, match="has no entry 'other'"):
        read_checkpoint(f"{file}#other")


def test_a_second_copy_in_the_file_is_left_out_and_told(tiny: Make) -> None:
    own = tiny().state_dict()
    state = {f"{prefix}.{name}": tensor for prefix in ("online_model", "ema_model") for name, tensor in own.items()}
    found = fit(list(own), {**state, "initted": torch.tensor(True), "step": torch.tensor(3)}, View(), "file")
    assert list(found.state) == list(own)
    assert found.notes[0].arguments["left_out"] == 15
    assert "15 tensors of another copy" in text(found.notes[0])


@pytest.mark.parametrize("names", [("mu", "sigma"), ("normalizer.mean", "normalizer.std"), ("0.mean", "0.std")])
def test_a_normalisation_beside_the_network_must_be_the_view_s(tiny: Make, names: tuple[str, str]) -> None:
    own, view = tiny().state_dict(), View()
    state = {f"model.{name}": tensor for name, tensor in own.items()}
    stored = {
        name: torch.tensor(values).view(1, 3, 1, 1) for name, values in zip(names, (view.mean, view.std), strict=True)
    }
    found = fit(list(own), {**state, **stored}, view, "file")
    assert list(found.state) == list(own)
    assert "the normalisation in its checkpoint is the view's (mean, std)" in text(found.notes[0])
    with pytest.raises(
        ModelError, match=r"file brings a normalisation .* mean is 0\.485/0\.456/0\.406, .* state mean=0"
    ):
        fit(list(own), {**state, **stored}, View(mean=(0.5,) * 3, std=(0.229, 0.224, 0.225)), "file")


def test_what_is_left_over_is_no_fit(tiny: Make) -> None:
    own = tiny().state_dict()
    state = {f"model.{name}": tensor for name, tensor in own.items()}
    found = fit(list(own), {**state, "projector.weight": torch.zeros(2)}, View(), "file")
    with pytest.raises(ModelError, match=r"1 unexpected \(projector\.weight\)"):
        assign(tiny(), found.state, "file")


def test_five_misfits_and_the_prefix_that_would_fit_are_shown(tiny: Make) -> None:
    own = tiny().state_dict()
    state = {f"body.{name}": tensor for name, tensor in own.items() if not name.startswith("head")}
    with pytest.raises(ModelError) as caught:
        assign(tiny(), _fitted(tiny(), state), "file")
    said = str(caught.value)
    assert "(body.conv1.weight, body.bn1.weight, body.bn1.bias, body.bn1.running_mean, body.bn1.running_var, …)" in said
    assert "without the prefix 'body.' 13 of 15 names would fit" in said


def test_shards_are_read_by_their_index(tiny: Make, tmp_path: Path) -> None:
    import json

    state = dict(tiny().state_dict())
    parts = {"a.safetensors": list(state)[:4], "b.safetensors": list(state)[4:]}
    for file, names in parts.items():
        save_file({name: state[name] for name in names}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: file for file, names in parts.items() for name in names}}))
    for given in (index, tmp_path):
        found = read_state(given)
        assert all(torch.equal(found[name], state[name]) for name in state)
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(ModelError, match=r"names the shard 'b\.safetensors', and there is none"):
        read_state(index)
    index.write_text(json.dumps({"weight_map": {"head.weight": "../b.safetensors"}}))
    with pytest.raises(ModelError, match="must be a file beside it"):
        read_state(index)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (lambda x: x.to(torch.complex64), "complex64 for float32"),
        (lambda x: x.to(torch.int64), "int64 for float32"),
        (lambda x: x.to_sparse(), "sparse"),
        (lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8), "quantised"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_other_kinds_of_numbers_are_told(tiny: Make, odd: Any, said: str) -> None:
    state = dict(tiny().state_dict())
    state["head.weight"] = odd(state["head.weight"])
    with pytest.raises(ModelError, match=rf"1 of another kind \(head\.weight {said}\)"):
        assign(tiny(), state, "file")
