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

from hardiness.core import ModelError, ModelSpec, Source
from hardiness.models.checkpoints import assign, check_parameters, in_order, read_state

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
    found = read_state(file)
    assert list(found) == list(state)
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_wrapper_and_prefix_together(tiny: Make, tmp_path: Path) -> None:
    state = {f"module.{name}": tensor for name, tensor in tiny().state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    assert list(read_state(tmp_path / "net.pth")) == list(tiny().state_dict())


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
