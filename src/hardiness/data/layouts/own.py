"""One's own pictures in one's own classes: a folder a class, a csv, or Parquet files."""

from hardiness.data.photographs import Classified
from hardiness.data.root import LAYOUTS, OWN, Layout

LAYOUTS.register(OWN, Layout("FOLDER/<class>/*", Classified(OWN, dict, "", own_classes=True).read), __name__)
