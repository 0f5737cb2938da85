"""Is a data set whole and what it should be? Every fault that can be seen without a model."""

from hardiness.data.checking.check import Checked, Depth, check
from hardiness.data.checking.faults import Fault
from hardiness.data.checking.mend import mend

__all__ = ["Checked", "Depth", "Fault", "check", "mend"]
