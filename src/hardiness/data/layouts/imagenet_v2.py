"""ImageNet-V2: a second validation set, in folders named after the class index."""

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference import wnids


def _indices() -> dict[str, int]:
    return {str(index): index for index in range(len(wnids()))}


_SET = Classified("imagenet-v2", _indices, "the class indices 0 … 999")

LAYOUTS.register("imagenet-v2", Layout("imagenet-v2/<0 … 999>/*", _SET.read), __name__)
