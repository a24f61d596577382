"""The gate of people: approvals by others than those who made the change."""

from dataclasses import dataclass

from ringfence.base.text import listed, plural
from ringfence.promote.gates.question import Facts, Question
from ringfence.promote.verdict import GateState, GateVerdict


@dataclass(frozen=True, slots=True)
class ApprovalOf:
    """Open when ``people`` different people of a group approved this release for this stage.

    Neither the author of the change nor whoever released it counts. ``group`` None: anybody else.
    """

    people: int = 1
    group: str | None = None
    name: str = "approval"
    dear: bool = False

    def ask(self, question: Question, facts: Facts) -> GateVerdict:
        """Counts people, not approvals: one person cannot approve twice."""
        members = None if self.group is None else question.groups.get(self.group, ())
        involved = {question.release.author, question.release.by}
        approvers = sorted(
            {
                approval.by
                for approval in question.state.approvals
                if approval.release == question.release.digest
                and approval.stage == question.stage
                and approval.by not in involved
                and (members is None or approval.by in members)
            }
        )
        evidence = {"approvedBy": ", ".join(approvers), "needed": str(self.people)}
        if len(approvers) >= self.people:
            return GateVerdict(self.name, GateState.OPEN, f"approved by {listed(approvers)}", facts=evidence)
        whom = f" of {self.group}" if self.group else ""
        have = f"; approved so far by {listed(approvers)}" if approvers else ""
        missing = plural(self.people - len(approvers), "approval")
        return GateVerdict(
            self.name,
            GateState.WAITING,
            f"{missing}{whom} missing{have}; ringfence approve {question.origin} --to {question.stage}",
            facts=evidence,
        )
