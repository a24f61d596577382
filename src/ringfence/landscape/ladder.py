"""The ladder of stages: what stages.md says of each, and how a Landscape changes it.

The ladder is a value, not an enumeration in code, since organisations rename, add and leave out stages; ``like`` keeps
what a stage means for the regulation packs.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from ringfence.base.document import Entry, Node, Scalar
from ringfence.base.errors import InputError
from ringfence.base.text import suggestion
from ringfence.landscape import fields
from ringfence.landscape.fields import Fields
from ringfence.landscape.model import Audience, Beside, DataClass, Stage

_MYSELF = frozenset({Audience.MYSELF})
_TEAM = _MYSELF | {Audience.TEAM}
_TESTERS = _TEAM | {Audience.OTHER_TEAMS, Audience.QA}
_STAGERS = _TESTERS | {Audience.PRODUCT_MANAGEMENT}

STANDARD: tuple[Stage, ...] = (
    Stage("local", 0, DataClass.THROW_AWAY, Beside.NOTHING, _MYSELF, Fraction(5), placed=False, like="local"),
    Stage("development", 1, DataClass.THROW_AWAY, Beside.STABLE, _TEAM, Fraction(30), like="development"),
    Stage("integration", 2, DataClass.SEED, Beside.LATEST, _TESTERS, Fraction(120), like="integration"),
    Stage("testing", 3, DataClass.SEED, Beside.LATEST, _TESTERS, Fraction(300), like="testing"),
    Stage("staging", 4, DataClass.REALISTIC, Beside.LATEST, _STAGERS, Fraction(14400), like="staging"),
    Stage("production", 5, DataClass.CUSTOMER, Beside.ALL, frozenset({Audience.CUSTOMERS}), production=True,
          like="production"),
)  # fmt: skip
"""stages.md, "Loops" and "Promotion". Its words for target loops (seconds, tens of seconds, minutes, hours) are read as
5 s, 30 s, 5 min and 4 h; `integration` takes the data and observers of testing and 2 min."""

_OPTIONAL = "integration"
_DURATION = re.compile(r"([0-9]{1,6})(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(slots=True)
class Ladder:
    """The stages while a Landscape is read; ``integration`` stands on it once something names it."""

    stages: list[Stage]
    integration: bool = False

    def find(self, name: str) -> Stage | None:
        """The stage of that name, None when there is none."""
        for stage in self.stages:
            if stage.name == name:
                if stage.name == _OPTIONAL:
                    self.integration = True
                return stage
        return None

    def finished(self) -> tuple[Stage, ...]:
        """The stages in order, ranks from 0; without an ``integration`` that nothing named."""
        kept = [stage for stage in self.stages if self.integration or stage.name != _OPTIONAL]
        return tuple(replace(stage, rank=rank) for rank, stage in enumerate(kept))


def read_ladder(node: Node | None, path: str) -> Ladder:
    """The standard ladder with the overrides of ``spec.stages``. Raises InputError."""
    ladder = Ladder(list(STANDARD))
    if node is None:
        return ladder
    for entry in Fields(node, path).rest():
        _override(ladder, entry, f"{path}.{entry.key.text}")
    return ladder


def _override(ladder: Ladder, entry: Entry, path: str) -> None:
    """One key of ``spec.stages``: changes a stage, leaves it out, renames it or adds one."""
    name = fields.name(entry.key, path)
    given = Fields(entry.value, path)
    if given.read("omit", fields.boolean, False):
        given.close()
        ladder.stages.remove(_known(ladder, entry.key, path))
        return
    renames, like, after = given.get("renames"), given.get("like"), given.get("after")
    existing = ladder.find(name)
    if existing is None and renames is None and (like is None or after is None):
        names = [stage.name for stage in ladder.stages]
        raise InputError(
            f"{path}: no stage is called {name!r}",
            location=entry.key.location,
            hint=(suggestion(name, names) + "; " if suggestion(name, names) else "")
            + "a stage of your own needs `like: STAGE` and `after: STAGE`, a renamed one `renames: STAGE`",
        )
    if renames is not None:
        base = _known(ladder, renames, f"{path}.renames")
        position = ladder.stages.index(base)
        ladder.stages[position] = replace(base, name=name)
    elif existing is None:
        assert like is not None
        assert after is not None
        base = _known(ladder, like, f"{path}.like")
        position = ladder.stages.index(_known(ladder, after, f"{path}.after")) + 1
        ladder.stages.insert(position, replace(base, name=name))
    else:
        position = ladder.stages.index(existing)
        if like is not None:
            pattern = _known(ladder, like, f"{path}.like")
            ladder.stages[position] = replace(pattern, name=name)
    ladder.stages[position] = _changed(ladder.stages[position], given)
    given.close()


def _changed(stage: Stage, given: Fields) -> Stage:
    observers = given.read("observers", _audiences, stage.observers)
    return replace(
        stage,
        data=given.read("data", lambda node, path: fields.choice(node, path, DataClass), stage.data),
        beside=given.read("beside", lambda node, path: fields.choice(node, path, Beside), stage.beside),
        observers=observers,
        target_loop=given.read("target", _duration, stage.target_loop),
    )


def _known(ladder: Ladder, node: Node, path: str) -> Stage:
    name = fields.text(node, path)
    found = ladder.find(name)
    if found is None:
        hint = suggestion(name, [stage.name for stage in ladder.stages])
        raise InputError(f"{path}: no stage is called {fields.short(name)}", location=node.location, hint=hint or None)
    return found


def _audiences(node: Node, path: str) -> frozenset[Audience]:
    return frozenset(fields.items(node, path, lambda item, at: fields.choice(item, at, Audience)))


def _duration(node: Node, path: str) -> Fraction:
    match = _DURATION.fullmatch(node.text) if isinstance(node, Scalar) else None
    if match is None:
        raise fields.wrong(node, path, "a duration such as 30s, 5m or 4h")
    return Fraction(int(match[1]) * _SECONDS[match[2]])
