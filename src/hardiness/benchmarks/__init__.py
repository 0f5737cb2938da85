"""Named protocols: data, conditions, decision rule and card."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.benchmarks.card import MissingCard as MissingCard
    from hardiness.benchmarks.card import cards
    from hardiness.benchmarks.options import describe as describe
    from hardiness.benchmarks.options import described as described
    from hardiness.benchmarks.options import own_name as own_name
    from hardiness.benchmarks.options import registry
    from hardiness.benchmarks.shares import accuracy
    from hardiness.benchmarks.suites import suite as suite
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "accuracy",
    "cards",
    "registry",
]
