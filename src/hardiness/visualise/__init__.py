"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""

from hardiness.visualise.features import write_features
from hardiness.visualise.maximise import Feature, Settings, maximise
from hardiness.visualise.naming import channels, class_unit, neuron
from hardiness.visualise.orhan2019 import Pushed, choose, push_features, write_pushed
from hardiness.visualise.transforms import Transforms
from hardiness.visualise.units import Channel, ClassUnit, LayerUnit, Neuron, Unit

__all__ = [
    "Channel",
    "ClassUnit",
    "Feature",
    "LayerUnit",
    "Neuron",
    "Pushed",
    "Settings",
    "Transforms",
    "Unit",
    "channels",
    "choose",
    "class_unit",
    "maximise",
    "neuron",
    "push_features",
    "write_features",
    "write_pushed",
]
