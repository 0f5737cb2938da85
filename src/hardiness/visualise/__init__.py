"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""

from hardiness.visualise.exhibition import GRID, RECORD, folders, probability_text, read
from hardiness.visualise.maximise import (
    Channel,
    LayerUnit,
    Settings,
    Unit,
    channels,
    class_unit,
    maximise,
    neuron,
    write_features,
)
from hardiness.visualise.orhan2019 import PROTOCOL, STEPS, write_pushed
from hardiness.visualise.patch import PatchSettings, write_patch
from hardiness.visualise.stimuli import SHEET, StimulusRequest, StyleSettings, make_stimuli, photographs

__all__ = [
    "GRID",
    "PROTOCOL",
    "RECORD",
    "SHEET",
    "STEPS",
    "Channel",
    "LayerUnit",
    "PatchSettings",
    "Settings",
    "StimulusRequest",
    "StyleSettings",
    "Unit",
    "channels",
    "class_unit",
    "folders",
    "make_stimuli",
    "maximise",
    "neuron",
    "photographs",
    "probability_text",
    "read",
    "write_features",
    "write_patch",
    "write_pushed",
]
