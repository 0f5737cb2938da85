"""ImageNet-A: natural adversarial examples, in 200 class folders."""

from functools import partial

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference import subset_wnids

_SET = Classified("imagenet-a", partial(subset_wnids, "imagenet-a"), "the 200 wnids of ImageNet-A")

LAYOUTS.register("imagenet-a", Layout("imagenet-a/<wnid>/*", _SET.read), __name__)
