"""ImageNet-C-bar as released: laid out as ImageNet-C."""

from hardiness.data.corruption_trees import corruption_tree
from hardiness.data.layout import LAYOUTS

LAYOUTS.register("imagenet-c-bar", corruption_tree("imagenet-c-bar"), __name__)
