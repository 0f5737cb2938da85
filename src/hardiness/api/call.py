"""A call from Python as a command whose models, pictures and answers may be what Python holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from hardiness import data as datasets
from hardiness import models
from hardiness.api.command import Command
from hardiness.api.grouping import GroupingArguments
from hardiness.api.held_models import LOADED, Model, is_typed, model_name, require_described, typed_text, with_name
from hardiness.api.loading import LoadOutcome, ModelSelection
from hardiness.core.benchmark import DataRoot
from hardiness.core.columns import Grouping
from hardiness.core.model import ModelSpec, View
from hardiness.core.progress import Listener
from hardiness.data.answer_tables import Answers
from hardiness.data.in_python import ModelClasses, from_python
from hardiness.models.classifier import Classifier
from hardiness.models.whole_pictures import whole_picture_model
from hardiness.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Call(Command):
    """One `evaluate`: a command whose models, pictures and answers may be what Python holds.

    Attributes:
        held_models: the models, each with the name that it shall bear; ``None`` for its own.
        view: of modules and functions.
        stated: ``tag``, ``output``, ``activation``, ``takes`` and ``jpeg`` of these.
        pictures: what Python holds, in place of names of data or beside them; ``None`` where there are names alone.
        held_answers: of a model that was run elsewhere.
        is_kept: whether its rows stay in a folder that others can reach.
        loaded: classifiers that were made already, by the place of the model.
        arguments: what is known of pictures beyond labels, and what results are grouped by.
    """

    held_models: tuple[tuple[str | None, Model], ...]
    view: View | None = None
    stated: Mapping[str, Any] = field(default_factory=dict)
    pictures: Any = None
    held_answers: Answers | None = None
    is_kept: bool = True
    loaded: dict[int, Classifier] = field(default_factory=dict)
    arguments: GroupingArguments = field(default_factory=GroupingArguments)

    @property
    def grouping(self) -> Grouping:
        """The clusters and slices that results are asked for; raises as `grouping_of`."""
        return self.arguments.grouping

    @property
    def named_pictures(self) -> tuple[str, ...]:
        """The arguments that were given to say where pictures are."""
        return ("data",) if self.data or self.pictures is not None else ()

    @property
    def cluster_column(self) -> str:
        """The column by which pictures come in clusters; empty where none is named."""
        return str(self.arguments.cluster or "")

    @property
    def answers(self) -> Answers | None:
        """The answers of the one model, where it was run elsewhere."""
        return self.held_answers

    @property
    def bound_to_process(self) -> str:
        """Why other machines cannot evaluate it, and the advice, in one line; empty where they can."""
        unnamed = [model for _, model in self.held_models if not isinstance(model, str)]
        if unnamed:
            return (
                f"Ray does not go with {model_name(unnamed[0])}, which only this process holds: name the model, as in "
                "py:FILE.py:NAME, or leave Ray out"
            )
        names = [shown for shown, _ in self.held_models if shown is not None and not is_typed(shown)]
        if names:
            return f"Ray does not go with the name {names[0]!r}: leave :, /, comma and = out of it, or leave Ray out"
        if self.pictures is not None:
            return "Ray does not go with pictures that only this process holds: name their folder, or leave Ray out"
        return ""

    def select_models(self, names: Sequence[str]) -> ModelSelection:
        """Its models; those that have a name alone are not loaded."""
        require_described([model for _, model in self.held_models], self.view, self.placement, self.stated)
        specs = [self._spec(place) for place in range(len(self.held_models))]
        typed = [typed_text(shown, model) for shown, model in self.held_models if isinstance(model, str)]
        return ModelSelection(tuple(typed) if self.cluster else tuple(names), tuple(specs), ())

    def load(self, selection: ModelSelection, listener: Listener, store: Store | None) -> LoadOutcome:
        """The classifiers of its models.

        Raises:
            ArgumentError, DataError, ModelError: one of them cannot be loaded.
        """
        return LoadOutcome([self._classifier(place, listener, store) for place in range(len(self.held_models))])

    def data_root(self) -> DataRoot:
        """The data sets that it names, or what Python holds; where that has no classes they are the first model's."""
        if self.pictures is None:
            return datasets.locate(self.data)
        classifier = self._classifier(0)
        spec = classifier.spec
        takes_whole = whole_picture_model(classifier) is not None
        classes = ModelClasses(classifier.num_classes, spec.class_names, spec.view.canvas, takes_whole)
        return from_python(self.pictures, classes, datasets.locate(self.data) if self.data else None)

    def _spec(self, place: int) -> ModelSpec:
        """The spec of the model at a place, under the name that its results get; a name is not loaded for it."""
        shown, model = self.held_models[place]
        if not isinstance(model, str):
            return self._classifier(place).spec
        spec = models.resolve(typed_text(shown, model))
        return spec if shown is None else replace(spec, name=shown)

    def _classifier(self, place: int, listener: Listener | None = None, store: Store | None = None) -> Classifier:
        """The model at a place, loaded once, under the name that its results get."""
        if place not in self.loaded:
            shown, model = self.held_models[place]
            if isinstance(model, str):
                spec = models.resolve(typed_text(shown, model))
                progress = partial(listener.download, spec.name) if listener else None
                files = store.files if store else None
                classifier = models.load(spec, **asdict(self.placement), progress=progress, files=files)
            elif isinstance(model, LOADED):
                classifier = model
            else:
                name = model_name(model)
                classifier = models.wrap(model, self.view, name=name, **asdict(self.placement), **self.stated)
            self.loaded[place] = with_name(classifier, model, shown)
        return self.loaded[place]
