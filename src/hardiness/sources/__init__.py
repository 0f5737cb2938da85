"""Sources of bytes: installed packages, downloads, archives."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.sources.packages import installed_file as installed_file
else:
    __getattr__, __dir__ = door(__name__)

__all__ = []
