"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""

from hardiness.visualise.maximise import (
    Channel,
    ClassUnit,
    Feature,
    LayerUnit,
    Neuron,
    Settings,
    Transforms,
    Unit,
    channels,
    class_unit,
    maximise,
    neuron,
    write_features,
)
from hardiness.visualise.orhan2019 import Pushed, choose, push_features, write_pushed
from hardiness.visualise.patch import PatchSettings, TrainedPatch, write_patch

__all__ = [
    "Channel",
    "ClassUnit",
    "Feature",
    "LayerUnit",
    "Neuron",
    "PatchSettings",
    "Pushed",
    "Settings",
    "TrainedPatch",
    "Transforms",
    "Unit",
    "channels",
    "choose",
    "class_unit",
    "maximise",
    "neuron",
    "push_features",
    "write_features",
    "write_patch",
    "write_pushed",
]
