"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""

from hardiness.visualise.features import write_features
from hardiness.visualise.maximise import Feature, Settings, maximise
from hardiness.visualise.naming import channels, class_unit, neuron
from hardiness.visualise.orhan2019 import Pushed, choose, push_features, write_pushed
from hardiness.visualise.patch_training import PatchSettings
from hardiness.visualise.transforms import Transforms
from hardiness.visualise.units import Channel, ClassUnit, LayerUnit, Neuron, Unit
from hardiness.visualise.universal_patch import TrainedPatch, write_patch

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
