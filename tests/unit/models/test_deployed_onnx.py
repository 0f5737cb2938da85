"""Graphs as they are deployed: other layouts, bytes, softmax, several outputs, other shapes, int8."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import exported
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from hardiness.benchmarks.options import parse
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.engine.protocol_noise import variations
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.onnx_graph import onnx_nodes
from hardiness.models.preprocessing import to_pixels
from hardiness.models.zoo.from_onnx import read_graph
from hardiness.report.words import text

SIZE = "resize_px=72,crop_px=64"
NUMBERS = f"{exported.NUMBERS},{SIZE}"


def network(classes: int = 7) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, classes))
        )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported.export(network(), tmp_path_factory.mktemp("onnx") / "plain.onnx", (64, 64))


@pytest.fixture(scope="module")
def pixels(photographs: list[Path]) -> Tensor:
    """Six photographs as the graphs see them."""
    canvas = resolve(f"efficientnet_lite0:{SIZE}").view.canvas
    return to_pixels([on_canvas(decode(path.read_bytes(), path.name), canvas) for path in photographs[:6]])


@pytest.fixture(scope="module")
def expected(plain: Path, pixels: Tensor) -> np.ndarray:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (exported.MEAN, exported.STD))
    with torch.no_grad():
        return network()((pixels - mean) / std).numpy()


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ({}, NUMBERS),
        ({"nhwc": True}, NUMBERS),
        ({"bytes_in": True}, SIZE),
        ({"nhwc": True, "bytes_in": True}, SIZE),
        ({"more": True}, f"{NUMBERS},output=logits"),
    ],
)
def test_every_form_gives_the_logits_of_the_network(
    plain: Path, pixels: Tensor, expected: np.ndarray, tmp_path: Path, form: dict[str, bool], options: str
) -> None:
    classifier = load(f"onnx:{exported.changed(plain, tmp_path / 'n.onnx', **form)}:{options}", device="cpu")
    np.testing.assert_allclose(classifier.logits(pixels), expected, rtol=1e-4, atol=1e-4)
    assert (classifier.outputs, classifier.num_classes) == ("", 7)


def test_a_softmax_is_seen_and_its_logarithm_stands_for_logits(
    plain: Path, pixels: Tensor, expected: np.ndarray, tmp_path: Path
) -> None:
    file = exported.changed(plain, tmp_path / "n.onnx", softmax=True)
    classifier = load(f"onnx:{file}:{NUMBERS}", device="cpu")
    assert classifier.outputs == "probabilities"
    logs = torch.from_numpy(expected).log_softmax(1).numpy()
    np.testing.assert_allclose(classifier.logits(pixels), logs, rtol=1e-4, atol=1e-4)
    assert any("it puts out probabilities" in note for note in map(text, classifier.notes))
    with pytest.raises(ArgumentError, match=r"output=logits cannot be: .* ends in a softmax"):
        resolve(f"onnx:{file}:{NUMBERS},output=logits")


def test_what_is_said_to_be_probabilities_is_checked(plain: Path, pixels: Tensor) -> None:
    classifier = load(f"onnx:{plain}:{NUMBERS},output=probabilities", device="cpu")
    with pytest.raises(ModelError, match=r"must put out probabilities, and a row sums to"):
        classifier.logits(pixels)


def test_a_sigmoid_is_refused_until_it_is_stated(
    plain: Path, pixels: Tensor, expected: np.ndarray, tmp_path: Path
) -> None:
    """Its outputs were taken for logits: the right classes, and a confidence that is none."""
    file = exported.changed(plain, tmp_path / "n.onnx", sigmoid=True)
    for options in ("", ",output=logits", ",output=probabilities", ",activation=softmax"):
        with pytest.raises(ArgumentError, match=r"ends in a sigmoid: .* no logits: state activation=sigmoid$"):
            resolve(f"onnx:{file}:{NUMBERS}{options}")
    classifier = load(f"onnx:{file}:{NUMBERS},activation=sigmoid", device="cpu")
    assert (classifier.outputs, classifier.num_classes) == ("", 7)
    np.testing.assert_allclose(classifier.logits(pixels), expected, rtol=1e-4, atol=1e-4)
    assert any("read as those of a sigmoid" in note for note in map(text, classifier.notes))
    # Before the sigmoid, as a network is exported that was trained with a loss on logits.
    np.testing.assert_allclose(
        load(f"onnx:{plain}:{NUMBERS},activation=sigmoid", device="cpu").logits(pixels), expected, rtol=1e-4, atol=1e-4
    )
    with pytest.raises(ArgumentError, match=r"output=logits cannot be: .* ends in a sigmoid"):
        resolve(f"onnx:{file}:{NUMBERS},activation=sigmoid,output=logits")
    with pytest.raises(UnknownNameError, match="did you mean 'sigmoid'"):
        resolve(f"onnx:{file}:{NUMBERS},activation=sigmoyd")
    softmax = exported.changed(plain, tmp_path / "softmax.onnx", softmax=True)
    with pytest.raises(ArgumentError, match=r"activation=sigmoid cannot be: .* ends in a softmax"):
        resolve(f"onnx:{softmax}:{NUMBERS},activation=sigmoid")


@pytest.mark.parametrize("odds", ["Sigmoid+Mul", "Sigmoid+Clip", "HardSigmoid", "HardSigmoid+Clip+Mul"])
def test_a_sigmoid_that_is_scaled_or_clipped_is_one(plain: Path, tmp_path: Path, odds: str) -> None:
    file = exported.changed(plain, tmp_path / "n.onnx", odds=odds)
    with pytest.raises(ArgumentError, match=r"ends in a sigmoid: .* state activation=sigmoid$"):
        resolve(f"onnx:{file}:{NUMBERS}")
    assert any(
        "as those of a sigmoid" in note for note in map(text, load(f"onnx:{file}:{NUMBERS},activation=sigmoid").notes)
    )


def test_outputs_that_may_be_probabilities_get_a_line(
    plain: Path, pixels: Tensor, expected: np.ndarray, tmp_path: Path
) -> None:
    """A sigmoid or softmax of several operators was taken for logits without a word, or for what lies before it."""
    file = exported.changed(plain, tmp_path / "odds.onnx", odds="Neg+Exp+Add+Reciprocal")
    line = "taken for logits, and all lie between 0 and 1 on two pictures"
    assert [line in note for note in map(text, load(f"onnx:{file}:{NUMBERS}", device="cpu").notes)] == [False, True]
    assert not any(line in note for note in map(text, load(f"onnx:{file}:{NUMBERS},output=logits", device="cpu").notes))
    assert not any(line in note for note in map(text, load(f"onnx:{plain}:{NUMBERS}", device="cpu").notes))
    with pytest.raises(ArgumentError, match="from 0 to 1 on two pictures, which may be behind its sigmoid or before"):
        load(f"onnx:{file}:{NUMBERS},activation=sigmoid", device="cpu")
    stated = load(f"onnx:{file}:{NUMBERS},activation=sigmoid,output=probabilities", device="cpu")
    np.testing.assert_allclose(stated.logits(pixels), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_one_output_is_that_of_the_second_of_two_classes(
    pixels: Tensor, tmp_path: Path, behind: bool, flat: bool
) -> None:
    one = nn.Sequential(network(1), *((nn.Sigmoid(),) if behind else ()), *((nn.Flatten(0),) if flat else ()))
    file = exported.export(one, tmp_path / "one.onnx", (64, 64))
    with pytest.raises((ArgumentError, ModelError), match=r"activation=sigmoid"):
        resolve(f"onnx:{file}:{NUMBERS}")
    classifier = load(f"onnx:{file}:{NUMBERS},activation=sigmoid", device="cpu")
    assert classifier.num_classes == 2
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (exported.MEAN, exported.STD))
    with torch.no_grad():
        wanted = network(1)((pixels - mean) / std).sigmoid()[:, 0].numpy()
    found = torch.from_numpy(classifier.logits(pixels)).softmax(1).numpy()
    np.testing.assert_allclose(found, np.stack([1 - wanted, wanted], axis=1), atol=1e-5)


def test_outputs_are_chosen_by_name_and_never_guessed(plain: Path, tmp_path: Path) -> None:
    file = exported.changed(plain, tmp_path / "n.onnx", more=True, softmax=True)
    with pytest.raises(
        ArgumentError, match=r"has 2 outputs that may be its logits \(again, shares\): state output=NAME"
    ):
        resolve(f"onnx:{file}:{NUMBERS}")
    with pytest.raises(UnknownNameError, match="did you mean 'again'"):
        resolve(f"onnx:{file}:{NUMBERS},output=agian")
    assert load(f"onnx:{file}:{NUMBERS},output=shares", device="cpu").outputs == "probabilities"
    assert load(f"onnx:{file}:{NUMBERS},output=again", device="cpu").outputs == ""


def test_a_view_is_never_guessed(plain: Path, tmp_path: Path) -> None:
    for options, missing in (("", "mean= and std="), (":crop_px=64", "mean= and std="), (":mean=0.5", "std=")):
        advice = f"a view is never guessed: {missing} must be given, as in onnx:{re.escape(str(plain))}:mean=0"
        with pytest.raises(ArgumentError, match=advice):
            resolve(f"onnx:{plain}{options}")
    file = exported.changed(plain, tmp_path / "n.onnx", bytes_in=True)
    with pytest.raises(ArgumentError, match="takes images as bytes and does not say how photographs are brought to"):
        resolve(f"onnx:{file}")
    with pytest.raises(ArgumentError, match=r"mean= is not for onnx:.* which takes images as bytes"):
        resolve(f"onnx:{file}:{NUMBERS}")
    (note,) = map(text, load(f"onnx:{plain}:{exported.NUMBERS}", device="cpu").notes)
    assert "photographs are resized to 73 px (bilinear) and cropped to 64" in note


def test_a_layout_that_the_shape_leaves_open_is_stated(plain: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(plain)
    for dimension in model.graph.input[0].type.tensor_type.shape.dim:
        dimension.dim_param = f"d{dimension.dim_value}"
    onnx.save(model, tmp_path / "open.onnx")
    with pytest.raises(ArgumentError, match="may be either layout: state layout=nchw or layout=nhwc"):
        resolve(f"onnx:{tmp_path / 'open.onnx'}:{NUMBERS}")
    assert resolve(f"onnx:{tmp_path / 'open.onnx'}:{NUMBERS},layout=nchw").num_classes == 7
    with pytest.raises(ArgumentError, match="layout=nhwc cannot be"):
        resolve(f"onnx:{plain}:{NUMBERS},layout=nhwc")


@pytest.mark.parametrize("mode", ["squash", "center"])
def test_rectangular_images(tmp_path: Path, photographs: list[Path], mode: str) -> None:
    file = exported.export(network(), tmp_path / "wide.onnx", (48, 64))
    with pytest.raises(ArgumentError, match="takes images of 48 x 64: state crop_mode=squash, or resize_px="):
        load(f"onnx:{file}:{exported.NUMBERS}", device="cpu")
    classifier = load(f"onnx:{file}:{exported.NUMBERS},resize_px=64,crop_mode={mode}", device="cpu")
    view = classifier.spec.view
    assert (view.crop_px, classifier.feed().input_px) == (64, 64)
    square = to_pixels([on_canvas(decode(path.read_bytes(), path.name), view.canvas) for path in photographs[:3]])
    part = square[:, :, 8:56] if mode == "center" else torch.nn.functional.interpolate(
        square, (48, 64), mode="bicubic", antialias=True
    ).clamp(0, 1)  # fmt: skip
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (exported.MEAN, exported.STD))
    with torch.no_grad():
        expected = network()((part - mean) / std).numpy()
    np.testing.assert_allclose(classifier.logits(square), expected, rtol=1e-4, atol=1e-4)


def test_half_precision_and_int8_run_and_say_so(
    plain: Path, pixels: Tensor, expected: np.ndarray, tmp_path: Path
) -> None:
    half = load(f"onnx:{exported.in_half(plain, tmp_path / 'half.onnx')}:{NUMBERS}", device="cpu")
    np.testing.assert_allclose(half.logits(pixels), expected, atol=0.02)
    mean, std = (np.array(values, np.float32).reshape(1, 3, 1, 1) for values in (exported.MEAN, exported.STD))
    given = [((each[None].numpy() - mean) / std).astype(np.float32) for each in pixels]
    whole = load(f"onnx:{exported.in_integers(plain, tmp_path / 'int8.onnx', given)}:{NUMBERS}", device="cpu")
    found = whole.logits(pixels)
    assert 0 < np.abs(found - expected).max() < 0.2
    for classifier, kind in ((half, "fp16"), (whole, "int8")):
        assert any(
            f"its graph is {kind} and is computed as it is by ONNX Runtime" in each
            for each in map(text, classifier.notes)
        )


def test_int8_whose_scales_go_by_the_batch_is_run_an_image_at_a_time(
    plain: Path, pixels: Tensor, expected: np.ndarray, tmp_path: Path
) -> None:
    """It was not known as int8, and was refused with a hint at batch norm: its answers went by its batch mates."""
    import onnx

    file = exported.in_dynamic_integers(plain, tmp_path / "dynamic.onnx")
    kinds = {node.op_type for node in onnx.load(file).graph.node}
    assert {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"} <= kinds
    classifier = load(f"onnx:{file}:{NUMBERS}", device="cpu")
    found = classifier.logits(pixels)
    assert 0 < np.abs(found - expected).max() < 0.2
    assert any("its graph is int8 and is computed as it is" in note for note in map(text, classifier.notes))
    assert any("it is run an image at a time" in note for note in map(text, classifier.notes))
    np.testing.assert_array_equal(found[2:3], classifier.logits(pixels[2:3]))
    fixed = onnx.load(file)
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 3
    onnx.save(fixed, tmp_path / "of_three.onnx")
    of_three = load(f"onnx:{tmp_path / 'of_three.onnx'}:{NUMBERS}", device="cpu")
    np.testing.assert_array_equal(of_three.logits(pixels), found)


@pytest.mark.slow
def test_a_real_network_as_bytes_with_softmax_scores_as_itself(tmp_path: Path, photographs: list[Path]) -> None:
    lite = load("efficientnet_lite0", device="cpu", runtime="torch")
    view = lite.spec.view
    pixels = to_pixels([on_canvas(decode(path.read_bytes(), path.name), view.canvas) for path in photographs[:8]])
    expected = torch.from_numpy(lite.logits(pixels)).log_softmax(1).numpy()
    source = exported.export(lite._original.network, tmp_path / "lite.onnx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exported, "MEAN", view.mean)
        patch.setattr(exported, "STD", view.std)
        file = exported.changed(source, tmp_path / "deployed.onnx", nhwc=True, bytes_in=True, softmax=True)
    deployed = load(f"onnx:{file}:interpolation=bicubic,resize_px=256,crop_px=224", device="cpu")
    found = deployed.logits(pixels)
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def graph_of_ties(file: Path) -> Path:
    """A graph whose input is rounded to steps of 2/255, so that every byte, normalised, lies between two steps."""
    constants = [
        numpy_helper.from_array(np.array(2 / 255, np.float32), "step"),
        numpy_helper.from_array(np.array(128, np.uint8), "zero"),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["images", "step", "zero"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "step", "zero"], ["rounded"]),
        helper.make_node("GlobalAveragePool", ["rounded"], ["means"]),
        helper.make_node("Flatten", ["means"], ["logits"]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 64, 64])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "ties", [images], [logits], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
    return file


def test_where_every_pixel_is_a_tie_the_precision_of_the_normalisation_decides(tmp_path: Path, pixels: Tensor) -> None:
    name = f"onnx:{graph_of_ties(tmp_path / 'ties.onnx')}:mean=0.5,std=0.5,{SIZE}"
    usual, exact = (load(name, device="cpu", runtime=runtime) for runtime in ("auto", "onnxruntime_float64"))
    assert (usual.runtimes.name, exact.runtimes.name) == ("onnxruntime", "onnxruntime_float64")
    assert usual.weights_sha256 == exact.weights_sha256
    numbers = np.rint(255 * pixels.numpy()).astype(np.float64)
    steps = ((numbers / 255 - 0.5) / 0.5).astype(np.float32) / np.float32(2 / 255)
    by_hand = np.clip(np.rint(steps) + 128, 0, 255).astype(np.float32) - 128
    expected = (by_hand * np.float32(2 / 255)).mean((2, 3))
    assert np.allclose(exact.logits(pixels), expected, atol=1e-5)
    assert np.abs(usual.logits(pixels) - expected).max() > 1e-4, "in float32 other pixels are rounded up"
    settings = {(each.factor, each.setting) for each in variations(parse("imagenet-val"), usual, 8)}
    assert ("normalisation", "float64") in settings


def test_a_graph_of_bytes_has_no_other_normalisation(plain: Path, tmp_path: Path) -> None:
    file = exported.changed(plain, tmp_path / "bytes.onnx", bytes_in=True)
    classifier = load(f"onnx:{file}:{SIZE}", device="cpu")
    assert "normalisation" not in {each.factor for each in variations(parse("imagenet-val"), classifier, 8)}


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(8), nn.Dropout(0.5)])
def test_a_graph_that_was_exported_in_training_mode_is_named_as_such(layer: nn.Module, tmp_path: Path) -> None:
    whole = nn.Sequential(*network()[:1], layer, *network()[1:]).train()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole, (torch.zeros(2, 3, 64, 64),), tmp_path / "net.onnx", input_names=["images"], dynamo=False,
            training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False, output_names=["logits"],
            dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}},
        )  # fmt: skip
    kind = "BatchNormalization" if isinstance(layer, nn.BatchNorm2d) else "Dropout"
    assert onnx_nodes(tmp_path / "net.onnx").training == (kind,)
    notes = map(text, read_graph(str(tmp_path / "net.onnx"), {}).notes)
    assert any(note.startswith(f"its graph is exported in training mode ({kind}): ") for note in notes)
    exported.export(whole, tmp_path / "right.onnx", (64, 64))
    assert onnx_nodes(tmp_path / "right.onnx").training == ()


def test_warnings_of_onnx_runtime_are_not_shown(plain: Path, tmp_path: Path) -> None:
    """The graph warns twice: of an initializer that nothing reads, and of outputs of another number than declared."""
    model = onnx.load(plain)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "unread"))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, tmp_path / "n.onnx")
    ran = (
        "import sys, numpy, onnxruntime, torch\n"
        "session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])\n"
        "session.run(None, {session.get_inputs()[0].name: numpy.zeros((2, 3, 64, 64), numpy.float32)})\n"
    )
    loaded = (
        "import sys, torch\nfrom hardiness.models.loading import load\n"
        f"print(load(f'onnx:{{sys.argv[1]}}:{NUMBERS}', device='cpu').logits(torch.rand(2, 3, 64, 64)).shape)\n"
    )
    told = [
        subprocess.run([sys.executable, "-c", code, tmp_path / "n.onnx"], capture_output=True, text=True, check=True)
        for code in (ran, loaded)
    ]
    assert told[0].stderr.count("[W:onnxruntime") == 2, "onnxruntime by itself warns"
    assert told[1].stdout == "(2, 7)\n"
    assert told[1].stderr == ""
