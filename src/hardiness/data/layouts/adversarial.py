"""Adversarial pictures that an earlier run has saved, with their manifest."""

from hardiness.data.layout import LAYOUTS, Layout
from hardiness.data.saved_pictures import read

# Its folder is named: a root that happens to hold one of that name is not meant.
LAYOUTS.register("adversarial", Layout("OUT/images/<benchmark>/<model>/<condition>/<class>/*.png", read), __name__)
