"""Adversarial pictures that an earlier run has saved, with their manifest."""

from hardiness.data.photographs import read
from hardiness.data.root import LAYOUTS, Layout

# Its folder is named: a root that happens to hold one of that name is not meant.
LAYOUTS.register("adversarial", Layout("OUT/images/<benchmark>/<model>/<condition>/<class>/*.png", read), __name__)
