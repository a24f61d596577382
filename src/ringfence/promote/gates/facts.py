"""Gates that look at the world: separation, health, verification, impact analysis, tests."""

from dataclasses import dataclass

from ringfence.promote.gates.question import Facts, JobEnd, Question, origin_stage
from ringfence.promote.verdict import GateState, GateVerdict


@dataclass(frozen=True, slots=True)
class Separation:
    """Open while the proof holds where the release goes. An unknown answer is no proof: the gate stays closed.

    ``accept_unknown`` says that somebody decided otherwise, ``accept`` names dimensions that are an accepted risk, for
    the reason ``why``; both show in every answer and in the ledger.
    """

    accept_unknown: bool = False
    accept: frozenset[str] = frozenset()
    why: str = ""
    name: str = "separation"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """The worst verdict of every pair with the target, both ways."""
        proved = facts.proved(question.target)
        broken = {name: text for name, text in proved.broken.items() if name not in self.accept}
        unknown = {} if self.accept_unknown else {n: t for n, t in proved.unknown.items() if n not in self.accept}
        evidence = {**proved.facts, "proof": proved.answer}
        if broken or unknown:
            word, found = ("broken", broken) if broken else ("unknown", unknown)
            name, text = next(iter(found.items()))
            return GateVerdict(self.name, GateState.CLOSED, f"{word} in {name}: {text}", facts=evidence)
        accepted = sorted({*proved.broken, *proved.unknown})
        because = proved.because
        if accepted:
            because = f"holds but for {', '.join(accepted)}, which the landscape accepts"
            because += f" ({self.why})" if self.why else ""
            evidence["accepted"] = ", ".join(accepted)
        return GateVerdict(self.name, GateState.OPEN, because, facts=evidence)


@dataclass(frozen=True, slots=True)
class Health:
    """Open while the place that the release comes from runs it, at its revision, and is healthy there."""

    name: str = "health"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Health without the revision would be the old release's health, so both must fit."""
        stage = origin_stage(question)
        if not question.ladder.rung(stage).placed:
            return GateVerdict(self.name, GateState.OPEN, f"nothing is deployed at {question.origin} to be healthy")
        if question.state.runs.get(question.origin) != question.release.digest:
            passage = question.state.passed(question.release.digest, stage)
            if passage is None:
                return GateVerdict(self.name, GateState.CLOSED, f"it never ran at {question.origin}")
            return GateVerdict(
                self.name, GateState.OPEN, f"it was healthy at {question.origin} on {passage.at.isoformat()}"
            )
        running = facts.running(question.origin)
        evidence = {"expected": running.expected or "unknown", "observed": running.observed or "unknown"}
        if running.expected is None or running.observed != running.expected:
            because = f"{question.origin} runs {running.observed or 'nothing known'}, not {running.expected}"
            return GateVerdict(self.name, GateState.WAITING, because, facts=evidence)
        state = GateState.OPEN if running.healthy else GateState.WAITING
        return GateVerdict(self.name, state, running.because, facts=evidence)


@dataclass(frozen=True, slots=True)
class Verification:
    """Open when the release ran, healthy, in a non-production deployment on the platform version that it goes to.

    Source: MDR (Regulation (EU) 2017/745) Annex VI 6.5.2 and 6.5.3, in Ringfence's reading: the operating platform is
    part of what is verified.
    """

    name: str = "verification"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Compares the platform of each non-production passage with that of the target."""
        version = facts.platform(question.target)
        if version is None:
            because = f"the platform version of {question.target} is unknown, so nothing was verified on it"
            return GateVerdict(self.name, GateState.CLOSED, because)
        seen: dict[str, str] = {}
        for passage in question.state.passages.get(question.release.digest, ()):
            rung = next((rung for rung in question.ladder.rungs if rung.stage == passage.stage), None)
            if rung is not None and rung.placed and not rung.production:
                seen[passage.stage] = passage.platform or "unknown"
        verified = [stage for stage, platform in seen.items() if platform == version]
        evidence = {"platform": version, **{f"platform.{stage}": platform for stage, platform in seen.items()}}
        if verified:
            return GateVerdict(
                self.name, GateState.OPEN, f"verified in {', '.join(verified)} on platform {version}", facts=evidence
            )
        others = ", ".join(f"{stage} on {platform}" for stage, platform in seen.items()) or "no non-production stage"
        return GateVerdict(
            self.name,
            GateState.CLOSED,
            f"{question.target} is on platform {version}; this release was verified in {others}",
            facts=evidence,
        )


@dataclass(frozen=True, slots=True)
class Impact:
    """Open when somebody else than the change's author signed an analysis of its impact on security.

    Source: NIST SP 800-171 Rev. 2, 3.4.4: the impact is analysed before the change is made.
    """

    name: str = "impact"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Looks for a signed document about exactly this release."""
        involved = {question.release.author, question.release.by}
        statements = facts.statements(question.release.digest)
        for statement in statements:
            if statement.by not in involved:
                return GateVerdict(
                    self.name,
                    GateState.OPEN,
                    f"analysed by {statement.by} on {statement.at.isoformat()}",
                    facts={"document": statement.document, "by": statement.by},
                )
        if statements:
            return GateVerdict(self.name, GateState.WAITING, "analysed by the change's own author only")
        return GateVerdict(
            self.name,
            GateState.WAITING,
            "no signed impact analysis of this release; sign one: "
            f"ringfence approve {question.origin} --to {question.stage} --impact FILE",
        )


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Open when everything else runs at the stage what stages.md says: the stable version, or the latest."""

    name: str = "neighbours"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Waits for the others: their next promotion, or the end of their change, opens it."""
        found = facts.neighbours(question.stage, question.ladder.application)
        if found:
            return GateVerdict(self.name, GateState.WAITING, "; ".join(found))
        return GateVerdict(self.name, GateState.OPEN, f"everything else runs at {question.stage} what it should")


@dataclass(frozen=True, slots=True)
class CommandGate:
    """Open when a command of the application's ends with 0."""

    command: tuple[str, ...]
    seconds: float = 600.0
    name: str = "tests"
    dear: bool = True

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Runs the command now: yesterday's result is about yesterday's cluster."""
        tested = facts.tested(self.command, self.seconds, question)
        program = self.command[0]
        evidence = {"command": " ".join(self.command), "seconds": f"{tested.seconds:.1f}"}
        if tested.exit_code is None:
            because = f"{program} took longer than {self.seconds:g} seconds and was stopped"
            return GateVerdict(self.name, GateState.CLOSED, because, facts=evidence)
        evidence["exitCode"] = str(tested.exit_code)
        if tested.exit_code == 0:
            return GateVerdict(self.name, GateState.OPEN, f"{program} passed in {tested.seconds:.1f} s", facts=evidence)
        last = f": {tested.last_line}" if tested.last_line else ""
        return GateVerdict(
            self.name, GateState.CLOSED, f"{program} ended with {tested.exit_code}{last}", facts=evidence
        )


@dataclass(frozen=True, slots=True)
class JobGate:
    """Open when a Job of the application's ran on real nodes, where the release comes from, and completed."""

    file: str
    seconds: float = 600.0
    name: str = "tests"
    dear: bool = True

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Runs the Job now; one that cannot have run any code keeps the gate closed, whatever it says of itself."""
        result = facts.tested_by_job(self.file, self.seconds, question)
        evidence = {"job": self.file, "at": question.origin, "end": result.end.value}
        evidence["seconds"] = f"{result.seconds:.1f}"
        state = GateState.OPEN if result.end is JobEnd.PASSED else GateState.CLOSED
        words = {
            JobEnd.PASSED: "passed",
            JobEnd.FAILED: "failed:",
            JobEnd.TOO_LATE: "was stopped:",
            JobEnd.NOT_RUN: "tested nothing:",
        }
        return GateVerdict(self.name, state, f"{self.file} {words[result.end]} {result.because}", facts=evidence)
