"""Reports that people read: the page, terminal tables, figures and exports, made from stored results alone."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.report.words import line as line
else:
    __getattr__, __dir__ = door(__name__)

__all__: list[str] = []
