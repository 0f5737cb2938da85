"""ImageNet's validation set; or one's own labelled folder, for models with classes of their own."""

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference import wnid_indices

LAYOUTS.register(
    "imagenet",
    Layout(
        "imagenet/val/<wnid>/*.JPEG",
        Classified("imagenet", wnid_indices, "the 1,000 ImageNet wnids", subfolder="val", own_classes=True).read,
    ),
    __name__,
)
