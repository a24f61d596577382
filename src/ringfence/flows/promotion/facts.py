"""The facts that gates ask for, from clusters, proofs, signed documents and test commands."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from ringfence.base.errors import StateError
from ringfence.flows.promotion.delivery import Delivery
from ringfence.flows.promotion.statements import statements
from ringfence.flows.promotion.workspace import Workspace
from ringfence.promote.gates.question import CommandResult, Proved, Question, Running, Statement

_LAST_LINE = 200


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

    def tested(self, command: tuple[str, ...], seconds: float, question: Question) -> CommandResult:
        """Run a test command in the Landscape's folder; what it prints goes to standard error."""
        began = self.workspace.clock.monotonic()
        code = run_command(
            command,
            folder=self.workspace.landscape.folder,
            seconds=seconds,
            environment={
                "RINGFENCE_LANDSCAPE": self.workspace.landscape.name,
                "RINGFENCE_RELEASE": question.release.digest,
                "RINGFENCE_VERSION": question.release.version,
                "RINGFENCE_FROM": question.origin,
                "RINGFENCE_TO": question.target,
                "RINGFENCE_STAGE": question.stage,
            },
        )
        return CommandResult(code.exit_code, self.workspace.clock.monotonic() - began, code.last_line)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; ``exit_code`` None: it took too long and was stopped with everything it started."""

    exit_code: int | None
    last_line: str


def run_command(command: tuple[str, ...], *, folder: str, seconds: float, environment: dict[str, str]) -> Ended:
    """Run a user's command with a limit. Raises StateError when it cannot be started."""
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise StateError(
            f"{command[0]}: cannot be run: {error.strerror}", reason="CannotRun", hint="is it there, and executable?"
        ) from error
    try:
        output, _ = process.communicate(timeout=seconds)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        code = None
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return Ended(code, lines[-1][:_LAST_LINE] if lines else "")
