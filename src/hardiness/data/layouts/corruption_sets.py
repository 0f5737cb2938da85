"""Stored corruption sets in ImageNet-C's layout: one data set for each still set, under the set's name."""

from hardiness.data.conditions import corruption_tree
from hardiness.data.root import LAYOUTS
from hardiness.reference import set_names

for _name in set_names("still"):
    LAYOUTS.register(_name, corruption_tree(_name), __name__)
