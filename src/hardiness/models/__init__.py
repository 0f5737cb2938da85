"""Models: specs that can be listed for free, and the one `Classifier` that they become when loaded."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.models.catalogue import known_names as known_names
    from hardiness.models.catalogue import registry, schemes
    from hardiness.models.chat.model import limit_calls as limit_calls
    from hardiness.models.library_views import library_view as library_view
    from hardiness.models.loading import load, wrap
    from hardiness.models.naming import is_pattern as is_pattern
    from hardiness.models.naming import need_weights as need_weights
    from hardiness.models.naming import resolve
    from hardiness.models.naming import search as search
    from hardiness.models.options import COMMON as COMMON
    from hardiness.models.own_file import OwnFile as OwnFile
    from hardiness.models.own_source import code_sha256 as code_sha256
    from hardiness.models.placement import place as place
    from hardiness.models.preprocessing import to_pixels
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "load",
    "registry",
    "resolve",
    "schemes",
    "to_pixels",
    "wrap",
]
