"""The facts that gates ask for, from clusters, proofs, signed documents and test commands."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ringfence.flows.promotion.beside import beside, mismatches
from ringfence.flows.promotion.commands import run_command
from ringfence.flows.promotion.delivery import Delivery
from ringfence.flows.promotion.jobs import read_job
from ringfence.flows.promotion.statements import statements
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.gates.question import CommandResult, JobResult, Proved, Question, Running, Statement


@dataclass(frozen=True, slots=True)
class WorldFacts:
    """Facts of the running landscape; ``prove`` gives the proof for a deployment."""

    workspace: Workspace
    delivery: Delivery
    prove: Callable[[str], Proved]

    def proved(self, deployment: str) -> Proved:
        """The proof now."""
        return self.prove(deployment)

    def running(self, deployment: str) -> Running:
        """What runs, judged by the revision of the journal."""
        state = self.workspace.state(deployment.partition("/")[0])
        return self.delivery.running(deployment, state.revisions.get(deployment))

    def platform(self, deployment: str) -> str | None:
        """The platform's version."""
        return self.delivery.platform(deployment)

    def statements(self, release: str) -> tuple[Statement, ...]:
        """Signed impact analyses."""
        return statements(self.workspace, release)

    def neighbours(self, stage: str, application: str) -> tuple[str, ...]:
        """What runs beside a change there and should not."""
        return tuple(mismatches(beside(self.workspace, stage, application), stage))

    def tested(self, command: tuple[str, ...], seconds: float, question: Question) -> CommandResult:
        """Run a test command in the Landscape's folder; what it prints goes to standard error."""
        began = self.workspace.clock.monotonic()
        code = run_command(
            command,
            folder=self.workspace.landscape.folder,
            seconds=seconds,
            environment=self._told(question),
        )
        return CommandResult(code.exit_code, self.workspace.clock.monotonic() - began, code.last_line)

    def tested_by_job(self, file: str, seconds: float, question: Question) -> JobResult:
        """Run the Job of a file in the Landscape's folder, where the release comes from. Raises InputError."""
        document = read_job(Path(self.workspace.landscape.folder) / file)
        return self.delivery.run_job(question.origin, document, seconds, self._told(question))

    def _told(self, question: Question) -> dict[str, str]:
        """What a test is told, as environment variables."""
        return {
            "RINGFENCE_LANDSCAPE": self.workspace.landscape.name,
            "RINGFENCE_RELEASE": question.release.digest,
            "RINGFENCE_VERSION": question.release.version,
            "RINGFENCE_FROM": question.origin,
            "RINGFENCE_TO": question.target,
            "RINGFENCE_STAGE": question.stage,
        }
