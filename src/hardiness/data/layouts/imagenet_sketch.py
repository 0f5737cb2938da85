"""ImageNet-Sketch: black-and-white sketches of all 1,000 classes."""

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference import wnid_indices

_SET = Classified("imagenet-sketch", wnid_indices, "the 1,000 ImageNet wnids")

LAYOUTS.register("imagenet-sketch", Layout("imagenet-sketch/<wnid>/*", _SET.read), __name__)
