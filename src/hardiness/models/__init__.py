"""Models: specs that can be listed for free, and the one `Classifier` that they become when loaded."""

from hardiness.models.catalogue import Built, OnnxFile, Scheme, known_names, registry, schemes
from hardiness.models.classifier import Classifier
from hardiness.models.execution.agreement import Agreement
from hardiness.models.execution.allocator import keep_freed_memory, return_freed_memory
from hardiness.models.execution.arithmetic import GRADIENTS_VERSION
from hardiness.models.execution.placement import place
from hardiness.models.failures import is_out_of_memory, refuse_lost_device
from hardiness.models.loading import load, wrap
from hardiness.models.naming import is_pattern, need_weights, resolve, search
from hardiness.models.options import COMMON
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
