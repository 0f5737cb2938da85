"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.visualise.activation import (
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
    from hardiness.visualise.exhibition import GRID, RECORD, folders, probability_text, read
    from hardiness.visualise.orhan2019 import PROTOCOL, STEPS, write_pushed
    from hardiness.visualise.patch import PatchSettings, write_patch
    from hardiness.visualise.stimuli import SHEET, StimulusRequest, StyleSettings, make_stimuli, photographs
else:
    __getattr__, __dir__ = door(__name__)

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
