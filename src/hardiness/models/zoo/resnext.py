"""The five ResNeXt-101 of the paper, its black-box surrogate, and the AlexNet of mCE and mFR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.core.model import ModelSpec, Source
from hardiness.models.catalogue import registry

if TYPE_CHECKING:
    from torch import nn

_HOST = "https://download.pytorch.org/models/"
_XIE = "Xie et al. 2017, Aggregated Residual Transformations for Deep Neural Networks, arXiv:1611.05431"
_MAHAJAN = "Mahajan et al. 2018, Exploring the Limits of Weakly Supervised Pretraining, arXiv:1805.00932"
_KRIZHEVSKY = "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997"


def build(spec: ModelSpec) -> nn.Module:
    """A ResNeXt of bottleneck blocks, without storage: parameters are on the meta device until weights are assigned.

    Source: Xie et al. 2017, table 1; ``width_per_group`` 8 to 48 as in the WSL release (Mahajan et al. 2018).
    """
    import torch
    from torchvision.models.resnet import Bottleneck, ResNet

    options = dict(spec.options)
    with torch.device("meta"):
        network: nn.Module = ResNet(
            Bottleneck,
            list(options["layers"]),
            num_classes=spec.num_classes,
            groups=32,
            width_per_group=options["width_per_group"],
        )
    return network


def build_alexnet(spec: ModelSpec) -> nn.Module:
    """The one-tower AlexNet of torchvision, without storage until weights are assigned."""
    import torch
    from torchvision.models import AlexNet

    with torch.device("meta"):
        network: nn.Module = AlexNet(num_classes=spec.num_classes)
    return network


def _register(name: str, summary: str, source: Source, layers: tuple[int, ...], width: int) -> None:
    spec = ModelSpec(
        name=name,
        build=f"{__name__}:build",
        source=source,
        options=(("layers", layers), ("width_per_group", width)),
        summary=summary,
    )
    registry.register(name, spec, __name__)


_register(
    "resnext101_32x8d",
    "ResNeXt-101 32x8d, ImageNet only, V1 weights: the paper's baseline",
    Source(_XIE, _HOST + "resnext101_32x8d-8ba56ff5.pth", "8ba56ff5", 88_791_336, "BSD-3-Clause"),
    (3, 4, 23, 3),
    8,
)
# Parameter counts follow from the layer shapes; file names as in github:facebookresearch/WSL-Images hubconf.py.
for _width, _file, _sha256, _parameters in (
    (8, "ig_resnext101_32x8-c38310e5.pth", "c38310e5", 88_791_336),
    (16, "ig_resnext101_32x16-c6f796b0.pth", "c6f796b0", 194_026_792),
    (32, "ig_resnext101_32x32-e4b90b00.pth", "e4b90b00", 468_530_472),
    (48, "ig_resnext101_32x48-3e41cc8a.pth", "3e41cc8a", 828_411_176),
):
    _register(
        f"resnext101_32x{_width}d_wsl",
        f"ResNeXt-101 32x{_width}d, 940 million Instagram pictures with hashtags, then ImageNet",
        Source(_MAHAJAN, _HOST + _file, _sha256, _parameters, "CC-BY-NC-4.0"),
        (3, 4, 23, 3),
        _width,
    )
_register(
    "resnext50_32x4d",
    "ResNeXt-50 32x4d, ImageNet only, V1 weights: the surrogate of black-box attacks",
    Source(_XIE, _HOST + "resnext50_32x4d-7cdf4587.pth", "7cdf4587", 25_028_904, "BSD-3-Clause"),
    (3, 4, 6, 3),
    4,
)
registry.register(
    "alexnet",
    ModelSpec(
        name="alexnet",
        build=f"{__name__}:build_alexnet",
        source=Source(_KRIZHEVSKY, _HOST + "alexnet-owt-7be5be79.pth", "7be5be79", 61_100_840, "BSD-3-Clause"),
        summary="AlexNet: the baseline that mCE and mFR divide by",
    ),
    __name__,
)
