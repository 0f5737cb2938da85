"""Models: specs that can be listed for free, and the one `Classifier` that they become when loaded."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.models.catalogue import (
        COMMON,
        known_names,
        log_probabilities,
        registry,
        row_and_model,
        schemes,
        split,
        with_option,
    )
    from hardiness.models.chat.model import (
        ChatAnswer,
        ClosedQuestionModel,
        limit_calls,
        on_question,
    )
    from hardiness.models.classifier import Classifier
    from hardiness.models.code_hash import CodeIdentity, function_identity
    from hardiness.models.exactness import GRADIENTS_VERSION
    from hardiness.models.failures import is_out_of_memory, refuse_lost_device
    from hardiness.models.identity import is_of_former_form, is_of_one_command
    from hardiness.models.loading import is_pattern, load, need_weights, resolve, search, wrap
    from hardiness.models.own_file import OwnFile
    from hardiness.models.placement import place
    from hardiness.models.preprocessing import InputPolicy, link_to, to_pixels
    from hardiness.models.stated_views import library_view
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "COMMON",
    "GRADIENTS_VERSION",
    "ChatAnswer",
    "Classifier",
    "ClosedQuestionModel",
    "CodeIdentity",
    "InputPolicy",
    "OwnFile",
    "function_identity",
    "is_of_former_form",
    "is_of_one_command",
    "is_out_of_memory",
    "is_pattern",
    "known_names",
    "library_view",
    "limit_calls",
    "link_to",
    "load",
    "log_probabilities",
    "need_weights",
    "on_question",
    "place",
    "refuse_lost_device",
    "registry",
    "resolve",
    "row_and_model",
    "schemes",
    "search",
    "split",
    "to_pixels",
    "with_option",
    "wrap",
]
