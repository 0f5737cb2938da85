"""Who evaluates which units: this process all of them, or several processes that share nothing but the store."""

from hardiness.engine.executors.alone import alone
from hardiness.engine.executors.shared import shared

__all__ = ["alone", "shared"]
