"""``chat:MODEL:base=ADDRESS``: a model that answers questions about pictures by the chat-completions protocol."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.model import ModelSpec
from hardiness.models.catalogue import BuilderResult, Scheme, schemes
from hardiness.models.chat.model import ChatModel
from hardiness.models.chat.questions import ORDERS
from hardiness.models.chat.redaction import refuse_key
from hardiness.models.chat.wire import TOP_LOGPROBS, Endpoint, address_of, check_key_env, refuse_remote
from hardiness.models.options import COMMON, row_and_model, split
from hardiness.reference.closed_questions import question_wording

_OPTIONS = {
    "base": "address of the endpoint, e.g. http://localhost:8000 or https://HOST/v1",
    "key_env": "environment variable that holds its key; none by default",
    "prompt": "first line of the question: vqa, shape or texture on cue-conflict; the usual one by default",
    "order": "of the options: seeded (drawn for each sample, by default) or published",
    "repeats": "how often each question is asked, 1 to 100; the first answer counts",
    "workers": "questions on their way at one time, 1 to 64 (default: 8)",
    "timeout": "seconds for a whole request, after which it is made again (default: 120)",
    "temperature": "0 by default; none leaves it out",
    "max_tokens": "of an answer: 8 by default; none leaves it out",
    "max_completion_tokens": "the same for models that reason, thinking included; max_tokens is then left out",
    "logprobs": "whether log-probabilities are asked for: true (by default) or false",
    "tag": "a name for the model's version, by which answers of another day are asked for anew",
}
_MEANINGLESS = ("weights", "class_order", "input_px", "published", "mean", "std", "channel_order", "range")
_SECRET = re.compile("key|token$|secret|password|bearer|auth", re.IGNORECASE)
"""Names of options that a key may be given as."""

_IDENTITY = ("base", "prompt", "order", "temperature", "max_tokens", "max_completion_tokens", "logprobs", "tag")


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of an endpoint's model; nothing is asked.

    Raises:
        ArgumentError: an option is wrong, or there is no address.
    """
    if meaningless := [option for option in _MEANINGLESS if option in options]:
        raise ArgumentError(
            f"chat:{name} answers at an endpoint, which has no {meaningless[0]} to choose; leave it out"
        )
    if "takes" in options:
        raise ArgumentError(
            f"takes= is not for chat:{name}, whose questions go with pictures of one size; leave it out, or write a "
            "function that asks it about files, as in py:FILE.py:NAME:takes=encoded"
        )
    for key in options:
        if key in _OPTIONS or key in COMMON:
            continue
        if _SECRET.search(key):
            raise ArgumentError(
                f"chat:{name.partition(',')[0]} takes no key as an option, since results show these; put it into an "
                "environment variable and give that variable's name, as in key_env=OPENAI_API_KEY"
            )
        raise UnknownNameError("option of a chat model", key, _OPTIONS)
    if "base" not in options:
        model_name = name.partition(",")[0]  # behind a comma may stand an address with a key in it
        address = f"chat:{model_name}:base=http://localhost:8000"
        raise ArgumentError(f"chat:{model_name} needs the address of its endpoint: {address}")
    if "key_env" in options:
        check_key_env(options["key_env"])
        refuse_key({"the model's name": name, **options}, os.environ[options["key_env"]].strip())
    model(ModelSpec(f"chat:{name}", ""), options)
    return ModelSpec(
        name=f"chat:{name}",
        build=f"{__name__}:build",
        num_classes=0,
        options=tuple((key, options[key]) for key in _IDENTITY if key in options),
        summary=f"{name} at an endpoint",
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The endpoint's model; nothing is asked yet."""
    row, typed = row_and_model(spec.asked)
    options = split(typed)[1]
    if "key_env" in options:
        refuse_key({"the name before the =": row}, os.environ.get(options["key_env"], "").strip())
    return BuilderResult(model(spec, options))


def model(spec: ModelSpec, options: Mapping[str, str]) -> ChatModel:
    """The chat model of a spec.

    Args:
        spec: with its name.
        options: as typed.

    Raises:
        ArgumentError: one cannot be so.
        DataError: downloads are forbidden, and the endpoint is not on this machine.
    """
    order, prompt = options.get("order", ORDERS[0]), options.get("prompt", "")
    if order not in ORDERS:
        raise UnknownNameError("order of options", order, ORDERS)
    prompts = {name for named in question_wording().prompts.values() for name in named}
    if prompt and prompt not in prompts:
        raise UnknownNameError("prompt", prompt, prompts)
    logprobs = options.get("logprobs", "true")
    if logprobs not in ("true", "false"):
        raise ArgumentError(f"logprobs must be true or false, was {logprobs!r}")
    parameters: dict[str, Any] = {
        "temperature": _number("temperature", options.get("temperature", "0"), 0, 10, whole=False),
        **_most_tokens(options),
        **({"logprobs": True, "top_logprobs": TOP_LOGPROBS} if logprobs == "true" else {}),
    }
    url = address_of(options["base"])
    refuse_remote(url)
    endpoint = Endpoint(
        url,
        spec.name.removeprefix("chat:"),
        options.get("key_env", ""),
        {name: value for name, value in parameters.items() if value is not None},
        float(_number("timeout", options.get("timeout", "120"), 0.1, 3600, whole=False, optional=False) or 0),
    )
    return ChatModel(
        spec,
        endpoint,
        prompt,
        order,
        int(_number("repeats", options.get("repeats", "1"), 1, 100, optional=False) or 0),
        int(_number("workers", options.get("workers", "8"), 1, 64, optional=False) or 0),
    )


def _most_tokens(options: Mapping[str, str]) -> dict[str, float | int | None]:
    """The most tokens of an answer, by the name of the parameter that bounds them; ``None`` where none does.

    Raises:
        ArgumentError: a number cannot be so, or both names are given one.
    """
    usual, other = "max_tokens", "max_completion_tokens"
    bounds = {name: _number(name, options[name], 1, 1_000_000) for name in (usual, other) if name in options}
    if bounds.get(usual) is not None and bounds.get(other) is not None:
        raise ArgumentError(f"{usual} and {other} are two names of one bound; leave one of them out")
    return bounds or {usual: 8}


def _number(
    name: str, text: str, least: float, most: float, whole: bool = True, optional: bool = True
) -> float | int | None:
    """A number within bounds; ``None`` for ``none`` where that is allowed.

    Raises:
        ArgumentError: it is none.
    """
    if optional and text == "none":
        return None
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = most + 1
    if not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        left_out = ", or none" if optional else ""
        raise ArgumentError(f"{name} must be {kind} from {least:,} to {most:,}{left_out}, was {text!r}")
    return value


schemes.register(
    "chat", Scheme("chat:MODEL:base=ADDRESS", "a chat model that looks at pictures", spec, _OPTIONS), __name__
)
