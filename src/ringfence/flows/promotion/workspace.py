"""What every verb of promotion works with: the Landscape, its gates, the journal, the releases, who acts.

Who acts is what somebody says (``--as``), else the address that Git knows, else the user of this machine: Ringfence is
no identity provider, and the ledger signs with the machine's key that this was said. Clusters and Git hosts check who
may really write; two people of an emergency are two names, as trustworthy as the machines they come from.
"""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.document import Block, Node, read_document
from ringfence.base.errors import InputError
from ringfence.base.paths import Paths
from ringfence.base.text import listed, suggestion
from ringfence.evidence.event import Event as LedgerEvent
from ringfence.evidence.gitref import GitRef
from ringfence.evidence.place import open_ledger, read_settings
from ringfence.flows.promotion.journal import Journal
from ringfence.flows.promotion.shared import SharedLadder
from ringfence.flows.promotion.source import committer
from ringfence.flows.promotion.store import ReleaseStore
from ringfence.landscape.load import DEFAULT_FILE, load_landscape
from ringfence.landscape.model import Application, Landscape, Posture
from ringfence.landscape.packs import Strength, load_pack
from ringfence.promote.ladder import Ladder, ladder_of
from ringfence.promote.policy import Policy, policy_of
from ringfence.promote.state import LadderState


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open landscape for promotion; ``actor`` is who acts."""

    landscape: Landscape
    policy: Policy
    paths: Paths
    clock: Clock
    actor: str
    journal: Journal
    releases: ReleaseStore

    def application(self, name: str) -> Application:
        """The application of that name. Raises InputError with the nearest one."""
        for application in self.landscape.applications:
            if application.name == name:
                return application
        known = [application.name for application in self.landscape.applications]
        raise InputError(
            f"{name}: {self.landscape.name} has no such application; {suggestion(name, known)}".rstrip("; "),
            reason="NoSuchApplication",
            hint=f"the applications are {listed(known)}",
        )

    def ladder(self, application: str) -> Ladder:
        """The ladder of an application, with the gates of its stages."""
        return ladder_of(self.landscape, self.application(application), self.policy.names())

    def ladder_at(self, place: str) -> Ladder:
        """The ladder that a deployment such as ``portal/testing-1`` belongs to."""
        application, slash, rest = place.partition("/")
        if not slash or not rest:
            raise InputError(
                f"{place}: not a deployment; write APPLICATION/STAGE, such as {application or 'portal'}/staging",
                reason="NoSuchDeployment",
            )
        return self.ladder(application)

    def state(self, application: str) -> LadderState:
        """Where the releases of an application are."""
        return self.journal.state(application)

    def digest(self, application: str, name: str) -> str:
        """The digest that somebody means by a version, a digest or the start of one. Raises InputError."""
        found = self.journal.digest_of(application, name)
        if found is not None:
            return found
        state = self.state(application)
        wanted = name.removeprefix("sha256:")
        matches = [digest for digest in state.releases if digest.removeprefix("sha256:").startswith(wanted)]
        if len(matches) == 1 and len(wanted) >= 6:
            return matches[0]
        versions = [record.version for record in state.releases.values()]
        raise InputError(
            f"{name}: {application} has no such release; {suggestion(name, versions)}".rstrip("; "),
            reason="NoSuchRelease",
            hint=f"make it with: ringfence release {application} {name}",
        )

    def evidence(
        self, event: str, subject: str, because: str, facts: Mapping[str, Any], *, once: str | None = None
    ) -> None:
        """Write down in the signed ledger that ``actor`` did something now; at most once for each ``once``.

        It is evidence for the clauses that ask for the gates named in ``facts``.
        """
        gates = {str(gate["name"]).rpartition(":")[2] for gate in facts.get("gates", ())}
        named = (clause for gate, clause in clauses_of(self.landscape) if gate in gates) if gates else ()
        clauses = tuple(dict.fromkeys(named))
        ledger = open_ledger(self.paths, self.landscape.name, self.clock)
        moment = self.clock.now()
        ledger.append(
            LedgerEvent(event, self.actor, subject, because, moment, facts, tuple(dict.fromkeys(clauses)), once)
        )


def open_workspace(file: Path, paths: Paths, clock: Clock, actor: str | None = None) -> Workspace:
    """Open the landscape in ``file`` or a folder. Raises InputError for what cannot be read."""
    path = file / DEFAULT_FILE if file.is_dir() else file
    landscape = load_landscape(path)
    policy = policy_of(landscape, asked_gates(landscape), _written(read_document(path)))
    folder = paths.landscape(landscape.name)
    shared = shared_ladder(paths, landscape.name)
    releases = ReleaseStore(folder / "releases", shared)
    journal = Journal(folder / "promotion.db", shared, releases.files)
    journal.refresh()
    return Workspace(landscape, policy, paths, clock, acting(actor, Path(landscape.folder)), journal, releases)


def shared_ladder(paths: Paths, landscape: str) -> SharedLadder | None:
    """The ladder that lies beside the ledger where that is kept in Git; None: this machine has its own."""
    settings = read_settings(paths, landscape)
    if settings.repository is None:
        return None
    return SharedLadder(GitRef(Path(settings.repository), f"ladder/{landscape}", "the ladder", settings.remote))


def acting(given: str | None, folder: Path) -> str:
    """Who acts. Raises InputError for a name that cannot be written down."""
    name = given
    if name is None:
        name = committer(folder)
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            name = f"uid-{os.getuid()}"
    if not name.strip() or not name.isprintable() or len(name) > 200:
        raise InputError("--as: not a name; write a user name or an address, such as ada@clinic.example")
    return name.strip()


def asked_gates(landscape: Landscape) -> tuple[str, ...]:
    """The gates that the regulation packs of a Landscape ask for; recommendations count unless ``minimum`` is asked."""
    return tuple(dict.fromkeys(gate for gate, _ in clauses_of(landscape)))


def clauses_of(landscape: Landscape) -> tuple[tuple[str, str], ...]:
    """Which gate shows something about which clause: a clause that asks a level speaks of the separation gate."""
    found = []
    for regulation in landscape.regulations:
        for clause in load_pack(regulation, Path(landscape.folder)).clauses:
            for ask in clause.asks:
                if ask.strength is Strength.REQUIRES or landscape.posture is Posture.RECOMMENDED:
                    found.append((ask.gate.value if ask.gate is not None else "separation", clause.identifier))
    return tuple(dict.fromkeys(found))


def _written(root: Node) -> Node | None:
    if not isinstance(root, Block):
        return None
    spec = root.entries.get("spec")
    if spec is None or not isinstance(spec.value, Block):
        return None
    entry = spec.value.entries.get("promotion")
    return entry.value if entry else None


def need_reason(because: str | None, verb: str) -> str:
    """A reason that says something. Raises InputError: what goes back or stops without one teaches nobody."""
    if because is None or not because.strip():
        raise InputError(f"{verb} needs a reason", reason="NoReason", hint="pass --because TEXT")
    if len(because) > 2000:
        raise InputError("--because is longer than 2000 characters", hint="put the details where the reason points to")
    return because.strip()
