"""The answer to one question, and how it is reached when some facts are not known.

A question about a cluster often hangs on facts that no API shows: does the network plugin match pod addresses in an
``ipBlock``, which labels does a namespace have that nobody may list. An evaluator here is an ordinary deterministic
function that asks such facts of a ``Choices``. ``explore`` runs it under every combination of values that the asked
facts can still have: the answer is certain when all runs agree, else it is ``unknown`` and the facts that settle it
are read off the runs. Three-valued logic inside the evaluators was rejected: it cannot see that one fact occurs twice,
and it cannot say which fact is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

MOST_RUNS = 512


class Truth(Enum):
    """What a question comes to: ``unknown`` is an answer, never an error."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer with its reasons.

    ``because`` is read top down by people, ``settles`` names the facts of which each alone would turn ``unknown`` into
    yes or no (all that matter, when no single one does), ``objects`` the Kubernetes objects that decided, as
    ``kind/namespace/name`` or ``kind/name``.
    """

    truth: Truth
    because: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """The word that the command line prints: ``yes``, ``no`` or ``unknown``."""
        return self.truth.value


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that may be unknown: a stable ``key``, its possible ``values`` and the sentence that names it."""

    key: str
    values: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Choices:
    """The facts of one run: those that are ``known``, and the values this run takes for those that are not."""

    known: Mapping[str, str]
    taken: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)

    def ask(self, question: Question) -> str:
        """The value of a fact in this run; asking the same fact again gives the same value."""
        known = self.known.get(question.key)
        if known is not None:
            return known
        self.asked.setdefault(question.key, question)
        return self.taken.setdefault(question.key, question.values[0])


@dataclass(slots=True)
class Trail:
    """What an evaluator wrote down on its way: reasons and the objects they rest on, in order, without repeats."""

    because: dict[str, None] = field(default_factory=dict)
    objects: dict[str, None] = field(default_factory=dict)

    def note(self, reason: str, *objects: str) -> None:
        """Remember a reason and what it rests on."""
        self.because[reason] = None
        for name in objects:
            self.objects[name] = None


Evaluator = Callable[[Choices, Trail], bool]


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: the values it took for unknown facts, what came out, and why."""

    taken: Mapping[str, str]
    result: bool
    trail: Trail


def explore(evaluate: Evaluator, known: Mapping[str, str]) -> Answer:
    """The answer of ``evaluate`` over every value of the facts that ``known`` leaves open.

    Raises nothing of its own. More than ``MOST_RUNS`` combinations give ``unknown``, never a guess.
    """
    runs: list[_Run] = []
    questions: dict[str, Question] = {}
    waiting: list[dict[str, str]] = [{}]
    while waiting:
        if len(runs) >= MOST_RUNS:
            return Answer(
                Truth.UNKNOWN,
                ("too many unknown facts decide together",),
                tuple(question.text for question in questions.values()),
            )
        start = waiting.pop()
        choices = Choices(known, dict(start))
        trail = Trail()
        result = evaluate(choices, trail)
        runs.append(_Run(dict(choices.taken), result, trail))
        questions.update(choices.asked)
        waiting.extend(_untried(start, choices))
    return _conclude(runs, questions)


def _untried(start: Mapping[str, str], choices: Choices) -> list[dict[str, str]]:
    """The runs that differ from this one in the first fact at which they part."""
    found: list[dict[str, str]] = []
    before = dict(start)
    for key, value in choices.taken.items():
        if key in start:
            continue
        found.extend({**before, key: other} for other in choices.asked[key].values if other != value)
        before[key] = value
    return found


def _conclude(runs: list[_Run], questions: Mapping[str, Question]) -> Answer:
    if len({run.result for run in runs}) == 1:
        first = runs[0]
        return Answer(
            Truth.YES if first.result else Truth.NO, tuple(first.trail.because), (), tuple(first.trail.objects)
        )
    alone = [question for question in questions.values() if _settles(question, runs)]
    named = alone or [question for question in questions.values() if _matters(question, runs)]
    because: dict[str, None] = {}
    objects: dict[str, None] = {}
    for question in named:
        because[f"not known: {question.text}"] = None
    for wanted in (True, False):
        run = min((run for run in runs if run.result is wanted), key=lambda run: len(run.taken))
        because.update({f"{'yes' if wanted else 'no'} if so: {reason}": None for reason in run.trail.because})
        objects.update(run.trail.objects)
    return Answer(Truth.UNKNOWN, tuple(because), tuple(question.text for question in named), tuple(objects))


def _outcomes(question: Question, runs: list[_Run]) -> list[set[bool]]:
    """For each value of a fact the results that are still possible once it is known to have that value."""
    return [{run.result for run in runs if run.taken.get(question.key, value) == value} for value in question.values]


def _settles(question: Question, runs: list[_Run]) -> bool:
    return all(len(outcome) == 1 for outcome in _outcomes(question, runs))


def _matters(question: Question, runs: list[_Run]) -> bool:
    outcomes = _outcomes(question, runs)
    return any(outcome != outcomes[0] for outcome in outcomes) or len(outcomes[0]) > 1


def unknown(*because: str, objects: tuple[str, ...] = (), settles: tuple[str, ...] = ()) -> Answer:
    """An ``unknown`` that needs no evaluation: something is not there or cannot be read."""
    return Answer(Truth.UNKNOWN, because, settles, objects)
