"""Stored runs to results: tables, scores, and what several runs say together."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.results.error_consistency import Comparison as Comparison
    from hardiness.results.likeness import Likeness as Likeness
else:
    __getattr__, __dir__ = door(__name__)

__all__ = []
