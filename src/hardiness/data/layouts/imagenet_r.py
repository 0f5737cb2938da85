"""ImageNet-R: renditions (art, toys, graffiti …), in 200 class folders."""

from functools import partial

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference import subset_wnids

_SET = Classified("imagenet-r", partial(subset_wnids, "imagenet-r"), "the 200 wnids of ImageNet-R")

LAYOUTS.register("imagenet-r", Layout("imagenet-r/<wnid>/*", _SET.read), __name__)
