"""ImageNet-C as released: a folder for each corruption, in it one for each severity, in it class folders."""

from hardiness.data.corruption_trees import corruption_tree
from hardiness.data.layout import LAYOUTS

LAYOUTS.register("imagenet-c", corruption_tree("imagenet-c"), __name__)
