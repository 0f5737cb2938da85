"""Models: specs that can be listed for free, and the one `Classifier` that they become when loaded."""

from hardiness.models.catalogue import COMMON, Built, OnnxFile, Scheme, known_names, registry, schemes
from hardiness.models.classifier import Classifier
from hardiness.models.exactness import GRADIENTS_VERSION, Agreement
from hardiness.models.failures import is_out_of_memory, refuse_lost_device
from hardiness.models.loading import is_pattern, load, need_weights, resolve, search, wrap
from hardiness.models.placement import keep_freed_memory, place, return_freed_memory
from hardiness.models.preprocessing import InputPolicy

__all__ = [
    "COMMON",
    "GRADIENTS_VERSION",
    "Agreement",
    "Built",
    "Classifier",
    "InputPolicy",
    "OnnxFile",
    "Scheme",
    "is_out_of_memory",
    "is_pattern",
    "keep_freed_memory",
    "known_names",
    "load",
    "need_weights",
    "place",
    "refuse_lost_device",
    "registry",
    "resolve",
    "return_freed_memory",
    "schemes",
    "search",
    "wrap",
]
