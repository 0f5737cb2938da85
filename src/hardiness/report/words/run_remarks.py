"""What to know of a run, or of several beside each other, in words."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from hardiness.benchmarks.presentation import words
from hardiness.core.answers import mark_notes
from hardiness.core.codes import RunRemark
from hardiness.core.fact import Fact
from hardiness.core.stems import STEMS
from hardiness.report.words import Words, plain, says, text
from hardiness.report.words.attack_checks import percent
from hardiness.sources.files import shown

SHOWN_IDS = 16
"""Images of a unit that are listed; the rest are counted."""

MOST_NAMED = 4
"""Names that are listed; the rest are counted."""

HOLDS_IN_ROUNDS = "although rows were looked at after every round"
FIXED_BEFOREHAND = "those of a number of pictures fixed beforehand, and are to be read with that"


plain(RunRemark.NOTHING_EVALUATED, "no sample was evaluated, so there is no score")
plain(RunRemark.ONLY_LEVELS, "only levels were evaluated: each has scores of its own, and {benchmark} has no mean")
plain(RunRemark.PART_OF_SET, "a part of {data}: {images:,} of the {released:,} images that were released")
plain(
    RunRemark.DEMO_SIZED,
    "demo-sized: the embedded photographs are few and easy; a demonstration, not a benchmark",
)
plain(
    RunRemark.FEW_CLUSTERS,
    "{clusters:,} clusters by {column}: with fewer than {enough} an interval may hold in less than 95 % of cases, "
    "above all where clusters are of unlike sizes",
)
plain(
    RunRemark.MODEL_CHANGED,
    "the model changed while it was asked: more than one {by} answered",
    "tag=NAME asks a version anew",
)
plain(RunRemark.ANSWERS_CHANGED, "asked again, the answer changed by itself on {changed:,} of {pictures:,} pictures")
plain(
    RunRemark.ANSWERS_CUT,
    "{answers:,} of those without an answer ended at the most tokens that they may have",
    "raise max_tokens= or, of a model that reasons, max_completion_tokens=",
)
plain(RunRemark.TOKENS, "tokens, as the endpoint counts them: {of_questions:,} of questions, {of_answers:,} of answers")
plain(RunRemark.REFUSED_NETWORK, "the network was refused, so there is no score: {line}")
plain(
    RunRemark.MISSING_CARD,
    "its card {card!r} is not installed or has failed: shown is what was kept; install or mend its package",
)
plain(RunRemark.OWN_BASELINE, "ratios are to the stored run of {model}, not to the published baseline")
plain(RunRemark.PUBLISHED, "published numbers, not a run")
plain(RunRemark.SHARED_IMAGES, "{shared:,} of {images:,} images are shared, and only those are compared")
plain(
    RunRemark.NO_SHARED_IMAGE,
    "the models share no image: they are compared as on different photographs, which tells far less",
)
plain(
    RunRemark.NOISE_LEFT_OUT,
    "the noise of the protocol is left out: its intervals are of pictures that stand alone, and no method holds with "
    "clusters",
)
plain(RunRemark.OTHER_CLASSES, "{first} and {second}: no flips and no agreement: {line}")
plain(
    RunRemark.UNBOUNDED,
    "nothing bounds how far one picture moves the number, so that the verdict allows for no large losses on fewer "
    "than 3 in {units:,} {of}",
    "moves_at_most says how far one can",
)
plain(RunRemark.EARLIER_CODE, "its code gives other outputs now: earlier code, which is neither ranked nor continued")
plain(
    RunRemark.OTHER_PICTURES,
    "a distortion of your own makes another picture than when the stored rows were made ({picture}): a new run begins, "
    "and the stored one is kept as earlier code",
)
plain(
    RunRemark.NOT_KEPT,
    "pictures made on the surrogate are not kept ({line}); a model added later attacks it again",
)
plain(
    RunRemark.SAVED_PICTURES,
    "{pictures:,} adversarial pictures were written to {folder}; {changed:,} of them get another prediction once they "
    "are rounded to 8 bits",
)
plain(RunRemark.ERROR, "{line}")
plain(
    RunRemark.TRACKER_FAILED,
    "the log to {tracker} failed and was left out from then on; results are complete: {line}",
)


@says(RunRemark.NO_SURROGATE)
def no_surrogate(fact: Fact, why: Fact, is_there: bool) -> Words:
    """As of the remark."""
    return f"its surrogate cannot be {'used' if is_there else 'had'}: {text(why)}"


@says(RunRemark.RESIZE_NOT_TRIED)
def resize_not_tried(fact: Fact, why: Fact) -> Words:
    """As of the remark."""
    return f"whether the step is the resize was not tried: {text(why)}"


@says(RunRemark.EVALUATED_WHOLE)
def evaluated_whole(fact: Fact, rule: str, benchmark: str, why: Fact) -> Words:
    """As of the remark."""
    return f"{rule}: {text(why)}, so that {benchmark} is evaluated whole"


@says(RunRemark.RULES_DECIDED)
def rules_decided(
    fact: Fact,
    policy: str,
    benchmark: str,
    images: int,
    of_images: int,
    conditions: int,
    of_conditions: int,
    are_decided: bool,
    outcomes: Sequence[tuple[str, int]],
) -> Words:
    """As of the remark."""
    after = f"after {images:,} of {of_images:,} images"
    after += f", {conditions} of {of_conditions} conditions of each" if of_conditions > 1 else ""
    end = "every rule is decided" if are_decided else "all there are, and not every rule is decided"
    return f"{policy}: {benchmark}: {after} {end}: {', '.join(f'{count} {name}' for name, count in outcomes)}"


@says(RunRemark.LACKS_ANSWERS)
def lacks_answers(fact: Fact, benchmark: str, pictures: int, examples: Sequence[str]) -> Words:
    """As of the remark."""
    more = ", …" if pictures > len(examples) else ""
    return f"{benchmark}: the file lacks {pictures:,} of the pictures ({', '.join(examples)}{more})"


@says(RunRemark.UNIT_GIVEN_UP)
def unit_given_up(
    fact: Fact, line: str, failed: int, units: int, unit: str = "", unstored: str = "", images: Sequence[str] = ()
) -> Words:
    """As of the remark; without the name of a unit nothing was evaluated at all."""
    if not unit:
        return f"nothing is evaluated, because the first {failed} of {units} units failed: {line}"
    told = f"unit {unit} was given up: {line}"
    if unstored:
        return f"{told}; it cannot be stored as failed: {unstored}"
    more = f" and {len(images) - SHOWN_IDS} more, all in results.json" if len(images) > SHOWN_IDS else ""
    return f"{told}; its images: {', '.join(images[:SHOWN_IDS])}{more}"


@says(RunRemark.OTHER_OUTPUTS)
def other_outputs(fact: Fact, image: str, change: float, tolerance: float) -> Words:
    """As of the remark."""
    told = (
        f"its source is the same, and its outputs are not those of the stored rows: for {image} they differ by "
        f"{percent(change)} of the largest (up to {percent(tolerance)} is taken for the same): a new run begins, and "
        "the stored one is kept as earlier code"
    )
    return told, "if it is the same model, add tag=NAME, by which its rows are known from then on"


@says(RunRemark.NO_LOOK)
def no_look(fact: Fact, image: str, change: float) -> Words:
    """As of the remark."""
    told = (
        f"asked twice for {image}, its outputs differ by {percent(change)} of the largest: nothing says whether its "
        "code is that of the stored rows, which go on"
    )
    return told, "add tag=NAME, and another NAME after a change"


@says(RunRemark.TIME_OVER)
def time_over(
    fact: Fact,
    benchmark: str,
    images: int,
    of_images: int,
    conditions: int,
    of_conditions: int,
    seconds_left: float | None,
) -> Words:
    """As of the remark."""
    has = f"{images:,} of {of_images:,} images"
    has += f", {conditions} of {of_conditions} conditions of each" if of_conditions > 1 else ""
    rest = f"; the rest takes about {_duration(seconds_left)}" if seconds_left else ""
    return f"{benchmark}: the time was over after {has}{rest}; the same command continues"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} seconds"


@says(RunRemark.BESIDE_PEOPLE)
def beside_people(fact: Fact, **measures: float) -> Words:
    """As of the remark."""
    return "beside people: " + ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in measures.items())


@says(RunRemark.PARTIAL)
def partial(
    fact: Fact,
    evaluated: int,
    expected: int,
    failed: int,
    conditions: int,
    mean_of: Sequence[str] = (),
    severities: Sequence[int] = (),
) -> Words:
    """As of the remark."""
    what = "images" if conditions == 1 else "image-cells"
    text = f"partial: evaluated {evaluated:,} of {expected:,} {what}{f', {failed:,} failed' if failed else ''}"
    return f"{text} ({cells_of_mean_text(mean_of, severities)})" if mean_of else text


def cells_of_mean_text(corruptions: Sequence[str], severities: Sequence[int]) -> str:
    """The cells that a mean error is over, as ``gaussian noise only, severity 1``; no severities are all of the set."""
    text = f"{words(corruptions[0])} only" if len(corruptions) == 1 else f"{len(corruptions)} corruptions, mean"
    if severities:
        text += f", severit{'y' if len(severities) == 1 else 'ies'} {', '.join(map(str, severities))}"
    return text


@says(RunRemark.UNEXPECTED_ACCURACY)
def unexpected_accuracy(fact: Fact, accuracy: float, images: int, published: tuple[float, float]) -> Words:
    """As of the remark."""
    low, high = published
    ends = f"{100 * low:.1f}" + (f" to {100 * high:.1f}" if high > low else "")
    where = f"{images:,}" if images else "the same"
    return (
        f"top-1 is {100 * accuracy:.1f} on {where} images, published is {ends}: check the preprocessing (view), the "
        "weights and the labels before trusting any other number of this model"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} others" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


@says(RunRemark.EMPTY_CLASSES)
def empty_classes(fact: Fact, classes: Sequence[str]) -> Words:
    """As of the remark."""
    return f"no picture shows {_some(classes)}: means over classes are of the others"


@says(RunRemark.SINGLE_PICTURES)
def single_pictures(fact: Fact, classes: Sequence[str]) -> Words:
    """As of the remark."""
    return f"a single picture shows {_some(classes)}: it counts as much as all of another class in such means"


@says(RunRemark.NEAR_CHANCE)
def near_chance(fact: Fact, accuracy: float, images: int, frequent: str, chance: float, by_name: bool) -> Words:
    """As of the remark."""
    settings = "the order of the classes, the weights and the preprocessing"
    return (
        f"near chance: right on {percent(accuracy)} of {images:,} pictures, and always answering {shown(frequent)} "
        f"would be on {percent(chance)}; check {'its replies and the names of the classes' if by_name else settings}"
    )


@says(RunRemark.ORDER_OF_CLASSES)
def order_of_classes(fact: Fact, before: float, after: float, p: float, outputs: Sequence[tuple[int, str]]) -> Words:
    """As of the remark."""
    listed = shown(", ".join(f"{place} {name}" for place, name in outputs[:6])) + " …" * (len(outputs) > 6)
    return (
        f"order of classes: right on {percent(before)}, and on {percent(after)} if the network's outputs were {listed} "
        f"(p = {p:.1g} on the half of the pictures that did not choose this order)",
        "if they are, say so with --data own=FOLDER:classes=FILE, the name of a class a line",
    )


@says(RunRemark.CHAT_ENDPOINT)
def chat_endpoint(
    fact: Fact,
    mark: str,
    first_day: str,
    last_day: str,
    base: str,
    models: Sequence[tuple[str, int]],
    fingerprints: Sequence[tuple[str, int]],
    order: str,
) -> Words:
    """As of the remark."""
    (note,) = mark_notes([mark])
    when = first_day if first_day == last_day else f"{first_day} to {last_day}"
    named = f"called {_counted(models)}" if models else "which does not name its model"
    printed = f"with fingerprint {_counted(fingerprints)}" if fingerprints else "without a fingerprint"
    return f"{note}: asked on {when} at {base}, {named}, {printed}; order of options: {order}"


def _counted(counts: Sequence[tuple[str, int]]) -> str:
    """Names, each with its count where there are several."""
    if len(counts) == 1:
        return shown(counts[0][0])
    more = f" and {len(counts) - MOST_NAMED} others" if len(counts) > MOST_NAMED else ""
    return ", ".join(f"{shown(name)} ({count:,})" for name, count in counts[:MOST_NAMED]) + more


@says(RunRemark.UNANSWERED)
def unanswered(fact: Fact, pictures: int, lacking: Sequence[tuple[str, int]]) -> Words:
    """As of the remark."""
    parts, count = ", ".join(f"{n:,} {name}" for name, n in lacking), sum(n for _, n in lacking)
    return f"{count:,} of {pictures:,} pictures have no answer, which counts as wrong: {parts}"


@says(RunRemark.LETTERS)
def letters(fact: Fact, whole: int, answers: int, missing: float | None = None) -> Words:
    """As of the remark."""
    text = (
        f"log-probabilities of all letters, and that of the answer first, were given with {whole:,} of {answers:,} "
        "answers"
    )
    if missing is not None:
        text += f"; where some were, {percent(missing)} of the probability is missing on average"
    return f"{text}; what needs confidence has no value"


@says(RunRemark.NOT_SLICED)
def not_sliced(fact: Fact, columns: Sequence[str], card: str, has_measurables: bool, has_whole_pictures: bool) -> Words:
    """As of the remark."""
    why = f"its card {card!r} gives nothing to compare by for these images"
    if not has_measurables:
        why = (
            f"its card {card!r} gives nothing to compare by: give it 'measurables', its scores as functions of images, "
            "as docs/extend.md shows"
        )
    elif not has_whole_pictures:
        why = "no image was evaluated under every condition"
    return f"no scores by {', '.join(columns)}: {why}"


@says(RunRemark.WITHOUT_CLUSTER)
def without_cluster(fact: Fact, count: int, pictures: int, column: str) -> Words:
    """As of the remark."""
    has, each = ("has", "it") if count == 1 else ("have", "each")
    return f"{count:,} of {pictures:,} pictures {has} no {column}: {each} stands alone"


@says(RunRemark.LACKS_COLUMNS)
def lacks_columns(fact: Fact, data: str, columns: Sequence[str]) -> Words:
    """As of the remark."""
    return f"the pictures of {data} have no column {' and no column '.join(columns)}: what needs it is left out"


@says(RunRemark.DEPENDENT_PICTURES)
def dependent_pictures(
    fact: Fact, column: str, values: int, correlation: float, too_narrow: float, has_answers: bool
) -> Words:
    """As of the remark."""
    if numbers := STEMS.get(column):
        which = "last number" if numbers == 1 else f"last {numbers} numbers"
        alike, count = f"pictures whose file names differ in their {which} alone", f"{values:,} stems"
    else:
        plural = column if column.endswith("s") else f"{column}s"
        alike, count = f"pictures of one {column}", f"{values:,} {plural}"
    return (
        f"{alike} {'are answered' if has_answers else 'score'} alike ({count}, correlation {correlation:.2g}): "
        f"intervals are {too_narrow:.1f} times too narrow",
        f"--cluster {shlex.quote(column)}",
    )


@says(RunRemark.STOPPED)
def stopped(
    fact: Fact,
    policy: str = "",
    target: float = 0.0,
    in_clusters: bool = False,
    scores: Sequence[str] = (),
    companions: Sequence[str] = (),
) -> Words:
    """As of the remark."""
    if policy:
        return (
            f"evaluated until the rules of {policy} were decided: what 'hardiness gate' says of rules holds "
            f"{HOLDS_IN_ROUNDS}; the intervals of scores are {FIXED_BEFOREHAND}"
        )
    if in_clusters:
        return (
            f"stopped at a precision target of {target:g} of pictures that stand alone: intervals over clusters are "
            f"{FIXED_BEFOREHAND}"
        )
    text = (
        f"stopped at a precision target of {target:g}: the intervals of {', '.join(scores) or 'no score'} hold "
        f"{HOLDS_IN_ROUNDS}; the other intervals are the usual ones"
    )
    return f"{text}; helped by what {', '.join(companions)} answered on all" if companions else text


@says(RunRemark.LEVEL_FAILURES)
def level_failures(fact: Fact, corruption: str, level: str, pictures: int, sample: str, line: str) -> Words:
    """As of the remark."""
    s = "s" if pictures > 1 else ""
    return f"{corruption} at {level}: {pictures} picture{s} could not be evaluated: {sample}: {line}"


@says(RunRemark.LEVELS_CONTRADICT)
def levels_contradict(fact: Fact, corruption: str, weaker: tuple[str, float], stronger: tuple[str, float]) -> Words:
    """As of the remark."""
    return (
        f"{corruption}: accuracy is {percent(weaker[1])} at {weaker[0]} and {percent(stronger[1])} at {stronger[0]}, "
        "which is stronger; that may be chance, and operating_limit takes accuracy to fall with the level"
    )


def why_same(fact: Fact) -> str:
    """Why two runs are one, as the end of a sentence."""
    sized_by = fact.arguments["sized_by"]
    return f"{sized_by} sets its own picture size" if sized_by else "they are one model under two names"


@says(RunRemark.SAME_RUN)
def same_run(fact: Fact, other: str, sized_by: str) -> Words:
    """As of the remark."""
    return f"the same run as {other}: {why_same(fact)}; the two are not ranked"


@says(RunRemark.LEFT_OUT)
def left_out(fact: Fact, images: int, lack_a_condition: bool) -> Words:
    """As of the remark."""
    if images == 1:
        return f"1 image {'lacks a condition' if lack_a_condition else 'could not be evaluated'} and is left out"
    why = "lack a condition" if lack_a_condition else "could not be evaluated"
    return f"{images:,} images {why} and are left out"


@says(RunRemark.UNLIKE_CONDITIONS)
def unlike_conditions(fact: Fact, drawn: bool) -> Words:
    """As of the remark."""
    if drawn:
        return "images have some random cells each: compared on the cells of each image that all have, without details"
    return "the files of scores have different conditions: compared under those that all have, without ratios"


@says(RunRemark.OWN_SIZE)
def own_size(fact: Fact, whole: Sequence[str], others: Sequence[str]) -> Words:
    """As of the remark."""
    return (
        f"{', '.join(whole)}: corrupted at the pictures' own size, and {', '.join(others)} on a canvas of 224 px, "
        "where a corruption is stronger: other pictures, of the same photographs"
    )


@says(RunRemark.OUT_OF_REACH)
def out_of_reach(
    fact: Fact,
    benchmark: str,
    score: str,
    images: int,
    target: float,
    lack: Fact | None = None,
    reached: float | None = None,
    is_estimate: bool = False,
    needed: int = 0,
    reachable: float = 0.0,
) -> Words:
    """As of the remark."""
    begin = f"precision-target cannot be reached on {benchmark}: {score}: {images:,} images"
    if reached is None:
        return f"{begin} are too few for an interval: {text(lack)}"
    return (
        f"{begin} give {'about ' if is_estimate else ''}±{reached:.2g}, not ±{target:g}; it would take about "
        f"{needed:,} images, or a target of {reachable:g}"
    )


@says(RunRemark.NO_PICTURE_DECIDES)
def no_picture_decides(fact: Fact, rule: str, model: str, why: Fact) -> Words:
    """As of the remark."""
    return f"{rule} of {model}: no picture decides it: {text(why)}"


@says(RunRemark.NO_LINE)
def no_line(fact: Fact, model: str, why: Fact) -> Words:
    """As of the remark."""
    return f"there is no line: the reference model {model}: {text(why)}"


@says(RunRemark.HIDDEN_LOSSES)
def hidden_losses(fact: Fact, scores: Sequence[str], n: int, of_clusters: bool) -> Words:
    """As of the remark."""
    units = "clusters" if of_clusters else "pictures"
    return f"{', '.join(scores)}: a large loss on fewer than 3 in {n:,} {units} cannot be seen here"


@says(RunRemark.IDLE_RULE)
def idle_rule(fact: Fact, rule: str, metric: str, kind: str, limit: float, end: float | None) -> Words:
    """As of the remark; without an end the rule is on a difference."""
    side = "above" if kind == "at_most" else "below"
    why = f"no two models differ by more in {metric}" if end is None else f"{metric} is never {side} {end:g}"
    return f"{rule} cannot fail: {why}, and {kind} is {limit:g}", "give a limit that a model may miss"


@says(RunRemark.NO_EFFECTIVE)
def no_effective(fact: Fact, why: Fact) -> Words:
    """As of the remark."""
    return f"no effective robustness: {text(why)}"


@says(RunRemark.AT_TARGET)
def at_target(fact: Fact, models: Sequence[str]) -> Words:
    """As of the remark."""
    return (
        f"stopped at a precision target: {', '.join(models)}; p and intervals of differences are those of one target: "
        "with five ever smaller ones, until two models are told apart, equal models are in 16 % of cases instead of "
        "5 %",
        "choose one beforehand, or use 'hardiness gate' and --until-decided",
    )


@says(RunRemark.SUPERSEDED)
def superseded(
    fact: Fact, run: str, model: str, benchmark: str, label: str, later_run: str, later_label: str, folder: str
) -> Words:
    """As of the remark."""
    told = f"not judged: the run {run} of {model} on {benchmark}{f' ({label})' if label else ''}, since the run "
    told += f"{later_run}{f' ({later_label})' if later_label else ''} of that name was evaluated later"
    return told, f"run = \"{run}\" in a rule judges it, 'hardiness data drop {folder} {run}' removes it"
