"""ImageNet-3DCC, corruptions that follow the depth of a scene, as released: laid out as ImageNet-C."""

from hardiness.data.corruption_trees import corruption_tree
from hardiness.data.layout import LAYOUTS

LAYOUTS.register("imagenet-3dcc", corruption_tree("imagenet-3dcc"), __name__)
