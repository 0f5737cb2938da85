"""What others have published of a model's weights, whatever it is called here."""

from __future__ import annotations

from hardiness.core import Note, Result, epsilon_text
from hardiness.reference import published_series, robustbench


def names_of(result: Result) -> tuple[str, ...]:
    """The names under which numbers of this model may have been published: its own, and what it was recognised as."""
    said = (session.get("published_as") for session in result.measured.get("sessions", ()))
    return tuple(dict.fromkeys((result.run.model.name, *filter(None, said))))


def leaderboard_note(result: Result) -> Note | None:
    """What RobustBench lists for a model under AutoAttack, and what differs here; ``None`` where it lists none."""
    if result.benchmark != "autoattack":
        return None
    clean, attacked = (published_series("autoattack", metric) for metric in ("clean_accuracy", "accuracy"))
    name = next((each for each in names_of(result) if each in attacked), None)
    if name is None:
        return None
    before, (after,) = clean[name][0], attacked[name]
    here = result.run.benchmark.options
    differs = [
        f"{option}={wanted}"
        for option, wanted in (("subset", "robustbench"), ("preprocessing", robustbench.preprocessing(before.source)))
        if here.get(option) != wanted
    ]
    text = (
        f"RobustBench lists {name} with {100 * before.value:.2f} % clean and {100 * after.value:.2f} % at "
        f"ε {epsilon_text(after.condition['epsilon'])}, on {after.n:,} images"
    )
    if differs:
        text += f"; for its images and preprocessing: {','.join(differs)}"
    return Note(text, (result.name,))
