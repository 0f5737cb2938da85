"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.visualise.activation import Settings, maximise, write_features
    from hardiness.visualise.orhan2019 import STEPS as STEPS
    from hardiness.visualise.orhan2019 import write_pushed as write_pushed
    from hardiness.visualise.pairs import photographs as photographs
    from hardiness.visualise.patch import write_patch as write_patch
    from hardiness.visualise.sheets import probability_text as probability_text
    from hardiness.visualise.stimuli import SHEET as SHEET
    from hardiness.visualise.stimuli import make_stimuli as make_stimuli
    from hardiness.visualise.units import Channel
    from hardiness.visualise.units import LayerUnit as LayerUnit
    from hardiness.visualise.units import channels as channels
    from hardiness.visualise.units import class_unit as class_unit
    from hardiness.visualise.units import neuron as neuron
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "Channel",
    "Settings",
    "maximise",
    "write_features",
]
