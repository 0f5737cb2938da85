"""Fields that are options of a command, as the site shows them: with the default, and not the call that declares it."""

from __future__ import annotations

from typing import Any

import griffe


class OptionDefaults(griffe.Extension):
    """Replaces ``option("What it says.", default, …)`` by the default, before signatures are made of fields."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        call = attr.value
        if isinstance(call, griffe.ExprCall) and str(call.function) == "option":
            positional = [
                each for each in call.arguments if not isinstance(each, griffe.ExprKeyword)
            ]
            named = [
                each.value for each in call.arguments if getattr(each, "name", "") == "default"
            ]
            attr.value = (positional[1:2] or named or [None])[0]
