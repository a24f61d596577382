"""Use cases that say something about a release without moving it: hold, lift, reject, approve."""

from dataclasses import dataclass
from typing import Any

from ringfence.base.errors import ConflictError, InputError, StateError
from ringfence.flows.promotion.journal import Entry
from ringfence.flows.promotion.workspace import Workspace, need_reason
from ringfence.promote.decisions import Refusal, standing_at
from ringfence.promote.events import Approved, Event, Held, Lifted, Rejected
from ringfence.promote.ladder import Ladder
from ringfence.promote.machine import advance
from ringfence.promote.rules import place_name
from ringfence.promote.state import Approval, LadderState, Note


@dataclass(frozen=True, slots=True)
class Subject:
    """A release that somebody means, on its ladder, and the place where it stands (None: nowhere any more)."""

    ladder: Ladder
    state: LadderState
    digest: str
    place: str | None

    @property
    def version(self) -> str:
        """The release's version."""
        return self.state.releases[self.digest].version


@dataclass(frozen=True, slots=True)
class Standing:
    """What was said about a release. ``said`` is held, lifted, rejected or approved."""

    application: str
    release: str
    version: str
    place: str | None
    said: str
    by: str
    because: str | None
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """The answer; ``dryRun`` says that it would be so, and that nothing was written down."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "ReleaseStanding",
            "application": self.application,
            "release": self.release,
            "version": self.version,
            "standsAt": self.place,
            "state": self.said,
            "by": self.by,
            "because": self.because,
            **({"dryRun": True} if self.dry_run else {}),
        }


@dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release that is held."""

    application: str
    release: str
    version: str
    place: str | None
    note: Note

    def to_json(self) -> dict[str, Any]:
        """The hold with the names of its schema."""
        return {
            "application": self.application,
            "release": self.release,
            "version": self.version,
            "standsAt": self.place,
            "because": self.note.because,
            "by": self.note.by,
            "at": self.note.at.isoformat(),
        }


def find(workspace: Workspace, what: str, release: str | None = None) -> Subject:
    """The release meant by a deployment (``portal/staging``), or by an application with a version or digest.

    Raises InputError when that is none or several.
    """
    application = what.partition("/")[0]
    ladder = workspace.ladder(application)
    state = workspace.state(application)
    if "/" in what:
        chosen = workspace.digest(application, release) if release else None
        found = standing_at(ladder, state, what, chosen)
        if isinstance(found, Refusal):
            raise InputError(found.because, reason=found.why.value, hint=found.hint)
        return Subject(ladder, state, found.release, found.place)
    if release is None:
        raise InputError(
            f"{what}: which release? name a deployment, or a version as well",
            hint=f"such as {what}/staging, or {what} 1.4.0",
        )
    digest = workspace.digest(application, release)
    if digest not in state.releases:
        raise StateError(
            f"{application} {release} is out of reach: it stands nowhere any more",
            reason="NotFound",
            hint=f"ringfence history {application} shows what became of it",
        )
    position = state.positions.get(digest)
    return Subject(ladder, state, digest, place_name(application, position) if position else None)


def hold(workspace: Workspace, subject: Subject, because: str | None, *, dry_run: bool = False) -> Standing:
    """Hold a release where it is; nothing moves it until the hold is lifted."""
    reason = need_reason(because, "a hold")
    event = Held(subject.digest, Note(reason, workspace.actor, workspace.clock.now()))
    return _say(workspace, subject, event, "held", reason, dry_run=dry_run)


def lift(workspace: Workspace, subject: Subject, because: str | None, *, dry_run: bool = False) -> Standing:
    """Lift the hold of a release. Raises ConflictError when it is not held."""
    reason = need_reason(because, "lifting a hold")
    return _say(workspace, subject, Lifted(subject.digest), "lifted", reason, dry_run=dry_run)


def reject(workspace: Workspace, subject: Subject, because: str | None, *, dry_run: bool = False) -> Standing:
    """Reject a release for good: it gives its copy back and never moves up again, nor does its content."""
    reason = need_reason(because, "a rejection")
    event = Rejected(subject.digest, Note(reason, workspace.actor, workspace.clock.now()))
    return _say(workspace, subject, event, "rejected", reason, dry_run=dry_run)


def approve(
    workspace: Workspace,
    subject: Subject,
    stage: str,
    because: str | None,
    *,
    emergency: bool,
    dry_run: bool = False,
) -> Standing:
    """Approve that a release enters a stage, as somebody who neither wrote nor released it."""
    subject.ladder.rung(stage)
    record = subject.state.releases[subject.digest]
    if emergency:
        because = need_reason(because, "an emergency")
    elif workspace.actor in {record.author, record.by}:
        raise ConflictError(
            f"{workspace.actor} made {record.version} and cannot approve it",
            reason="OwnChange",
            hint="somebody else approves it, with their own --as",
        )
    approval = Approval(subject.digest, stage, workspace.actor, workspace.clock.now(), emergency)
    return _say(workspace, subject, Approved(approval), "approved", because, stage, dry_run=dry_run)


def held(workspace: Workspace, application: str | None = None) -> tuple[HeldRelease, ...]:
    """Every release that is held, oldest hold first."""
    names = [application] if application else [one.name for one in workspace.landscape.applications]
    found = []
    for name in names:
        workspace.application(name)
        state = workspace.state(name)
        for digest, note in state.holds.items():
            position = state.positions.get(digest)
            place = place_name(name, position) if position else None
            found.append(HeldRelease(name, digest, state.releases[digest].version, place, note))
    return tuple(sorted(found, key=lambda one: (one.note.at, one.application)))


def _say(
    workspace: Workspace,
    subject: Subject,
    event: Event,
    said: str,
    because: str | None,
    stage: str | None = None,
    *,
    dry_run: bool = False,
) -> Standing:
    application = subject.ladder.application
    answer = Standing(
        application, subject.digest, subject.version, subject.place, said, workspace.actor, because, dry_run
    )
    if dry_run:
        advance(subject.ladder, subject.state, event)
        return answer
    body = {"version": subject.version, "by": workspace.actor, "place": subject.place, "because": because, "to": stage}
    body = {key: value for key, value in body.items() if value is not None}
    entry = Entry(workspace.clock.now(), application, said, body, subject.place, subject.digest)
    workspace.journal.record(subject.ladder, event, entry, seen=subject.state)
    facts = {**body, "release": subject.digest}
    workspace.evidence(f"release.{said}", subject.place or f"{application} {subject.version}", because or said, facts)
    return answer
