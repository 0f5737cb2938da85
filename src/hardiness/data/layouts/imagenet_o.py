"""ImageNet-O: photographs of none of the 1,000 classes, in 200 folders named after what they are mistaken for."""

from functools import partial

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference import subset_wnids

_SET = Classified("imagenet-o", partial(subset_wnids, "imagenet-o"), "the 200 wnids of ImageNet-O")

LAYOUTS.register("imagenet-o", Layout("imagenet-o/<wnid>/*", _SET.read), __name__)
