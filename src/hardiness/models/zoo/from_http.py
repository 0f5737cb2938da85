"""``http://HOST/PATH`` and ``https://…``: a service that takes pictures in the body of a request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial, update_wrapper

from hardiness.core.errors import ArgumentError
from hardiness.core.model import ModelSpec, View
from hardiness.models.activation import ACTIVATION, ACTIVATION_HELP
from hardiness.models.catalogue import BuilderResult, PlainFunction, Scheme, schemes
from hardiness.models.chat.redaction import refuse_key
from hardiness.models.chat.wire import check_key_env, refuse_remote
from hardiness.models.options import row_and_model, split
from hardiness.models.service import Service, require_address
from hardiness.models.stated_views import assumed_geometry, require_view
from hardiness.models.whole_pictures import TAKES, WHOLE_OPTIONS, refuse_view, whole_picture_of

_OPTIONS = {
    "tag": "a name for the version of what answers, which is then not looked at again",
    "key_env": "environment variable with the key that is sent as Authorization: Bearer; none by default",
    "output": "logits or probabilities; by default seen on a picture",
    ACTIVATION: ACTIVATION_HELP,
    **WHOLE_OPTIONS,
}
_IDENTITY = (*View.__dataclass_fields__, *(name for name in _OPTIONS if name != "key_env"))


def spec(scheme: str, rest: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a service; nothing is asked.

    Args:
        scheme: ``http`` or ``https``.
        rest: what follows its colon.
        options: as typed.

    Raises:
        ArgumentError: it is no address, holds a key, has a key and no tag, or what it takes is no known form.
        DataError: downloads are forbidden, and it is not on this machine.
    """
    url = f"{scheme}:{rest}"
    require_address(url)
    refuse_remote(url)
    if "key_env" in options:
        check_key_env(options["key_env"])
        refuse_key({"the address": url, **options}, os.environ[options["key_env"]].strip())
        if "tag" not in options:
            raise ArgumentError(
                f"{url} takes a key, so that its answers may cost, and is not asked again whether it still is the same "
                "model: state its version as tag=NAME, and another one when it changes"
            )
    whole_picture_of(options, url)
    return ModelSpec(
        name=url,
        build=f"{__name__}:build",
        num_classes=0,
        options=(("address", url), *((key, options[key]) for key in _IDENTITY if key in options)),
        summary="a service",
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The service; it is asked about two pictures once its view is known.

    Raises:
        ArgumentError: it takes pictures of one size, and which is not stated.
    """
    options = split(row_and_model(spec.asked)[1])[1]
    service = PlainFunction(
        Service(dict(spec.options)["address"], options.get("key_env", "")),
        description="is a service that answers over HTTP",
    )
    if TAKES in options:
        refuse_view(spec.name, options)
        return BuilderResult(service, spec=spec)
    require_view(spec.name, options, bytes_in=True)
    return BuilderResult(service, spec=spec, notes=assumed_geometry(spec.view, options))


for _scheme in ("http", "https"):
    _spec = update_wrapper(partial(spec, _scheme), spec)
    schemes.register(
        _scheme, Scheme(f"{_scheme}://HOST/PATH", "a service that takes pictures as files", _spec, _OPTIONS), __name__
    )
