"""The platforms that an update can drive: the embedded engine, Cluster API, a command of the user."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, UnreachableError
from ringfence.base.paths import Paths
from ringfence.base.text import listed
from ringfence.decide.topology import Topology
from ringfence.landscape.model import Landscape
from ringfence.update.bundle_file import PLATFORM
from ringfence.update.platform import Look, Report
from ringfence.update.record import Check
from ringfence.update.version import Bundle, Version

_COMMAND_SECONDS = 4 * 3600
_API_SERVER = "kube-apiserver"
_BEFORE = 3


@dataclass(frozen=True, slots=True)
class Site:
    """A landscape where it runs: what looking at its clusters needs."""

    landscape: Landscape
    topology: Topology
    file: Path
    paths: Paths
    clock: Clock


class EnginePlatform:
    """The embedded engine: the bundle's Kubernetes and flags, and a restart of one Environment with its data kept.

    The engine is compiled from one version of Kubernetes, whose API server can be each of the three minor versions
    before it (KEP-4330, ``--emulated-version``): its APIs, their defaults and its feature gates. A bundle with any
    other version needs another engine, and is refused by name instead of being said to run.
    """

    def __init__(self, site: Site) -> None:
        """``site`` is the landscape as it runs here."""
        self._site = site

    def deliver(self, environment: str, bundle: Bundle, report: Report) -> Check:
        """Stop the Environment's processes, start them with the bundle's flags, wait until they answer; then ask every
        API server which version it is."""
        from ringfence.engine import Engine
        from ringfence.flows.up import up

        emulated = _emulated(bundle.kubernetes)
        if emulated is None:
            return Check(
                "ran",
                False,
                f"the bundle has Kubernetes {bundle.kubernetes}, this engine is compiled from {PLATFORM.kubernetes} "
                f"and can be the {_BEFORE} minor versions before it; "
                "install the ringfence that has the other one, then start again",
            )
        site = self._site
        flags = {**bundle.flags, _API_SERVER: (*bundle.flags.get(_API_SERVER, ()), *emulated)}
        Engine(site.paths, site.clock).set_flags(site.landscape.name, environment, flags, report)
        up(site.landscape, site.topology, site.paths, site.clock, report=report)
        other = self._other_version(environment, bundle.kubernetes)
        if other is not None:
            return Check("ran", False, other)
        how = f" as {PLATFORM.kubernetes} emulates it" if emulated else ""
        return Check("ran", True, f"restarted with {bundle.version}, Kubernetes {bundle.kubernetes}{how}")

    def _other_version(self, environment: str, wanted: Version) -> str | None:
        """Which API server is not the wanted minor version, None when all are."""
        from ringfence.flows.targets import find_targets

        site = self._site
        targets = find_targets(site.paths, site.clock, site.landscape.name)
        here = next(one for one in site.topology.environments if one.name == environment)
        for cluster in here.clusters:
            with targets.open(cluster.name) as connection:
                minor = connection.minor()
            if minor != str(wanted.minor):
                return f"{cluster.name} says that it is Kubernetes {wanted.major}.{minor}, not {wanted}"
        return None

    def healthy(self, environment: str) -> Check:
        """Whether its clusters answer and all their nodes are ready."""
        return look_healthy(self._site)(environment)


def _emulated(wanted: Version) -> tuple[str, ...] | None:
    """The API server's flags for a version of Kubernetes: none for the engine's own, None when it cannot be it."""
    own = PLATFORM.kubernetes
    if wanted == own:
        return ()
    if wanted.major != own.major or not 0 < own.minor - wanted.minor <= _BEFORE:
        return None
    return (f"--emulated-version=kube={wanted.major}.{wanted.minor}",)


class CommandPlatform:
    """A command of the user: it is told by variables what to bring where, and its exit code says whether it did.

    ``RINGFENCE_ENVIRONMENT``, ``RINGFENCE_VERSION``, ``RINGFENCE_KUBERNETES`` and ``RINGFENCE_COMPONENT_NAME`` for each
    component. A shell line was rejected: a name with a space in it must stay one word.
    """

    def __init__(self, command: Sequence[str], healthy: Look) -> None:
        """``command`` is an argument list; ``healthy`` looks at the Environment afterwards."""
        self._command = tuple(command)
        self._healthy = healthy

    def deliver(self, environment: str, bundle: Bundle, report: Report) -> Check:
        """Run the command and wait for it."""
        report(f"{environment}: {self._command[0]}")
        try:
            done = subprocess.run(
                self._command,
                env={**os.environ, **_variables(environment, bundle)},
                stdin=subprocess.DEVNULL,
                stdout=2,  # progress is for people: standard output is the answer's
                check=False,
                timeout=_COMMAND_SECONDS,
            )
        except OSError as error:
            raise InputError(
                f"{self._command[0]}: this command cannot be run: {error.strerror}",
                hint="--command names a program that is there, one word each time",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise UnreachableError(f"{self._command[0]}: did not end in {_COMMAND_SECONDS // 3600} hours") from error
        if done.returncode:
            # What it printed may hold anything: only its exit code is written down for ever.
            return Check("ran", False, f"{self._command[0]} ended with {done.returncode}")
        return Check("ran", True, f"{self._command[0]} ended with 0")

    def healthy(self, environment: str) -> Check:
        """What the look says."""
        return self._healthy(environment)


def _variables(environment: str, bundle: Bundle) -> Mapping[str, str]:
    components = {
        f"RINGFENCE_COMPONENT_{name.upper().replace('-', '_')}": version for name, version in bundle.components.items()
    }
    return {
        "RINGFENCE_ENVIRONMENT": environment,
        "RINGFENCE_VERSION": str(bundle.version),
        "RINGFENCE_KUBERNETES": str(bundle.kubernetes),
        **components,
    }


def look_healthy(site: Site) -> Look:
    """Whether an Environment's clusters answer, with every node ready, and its Argo CD does not say otherwise."""

    def look(environment: str) -> Check:
        from ringfence.flows.status import status
        from ringfence.flows.targets import find_targets

        targets = find_targets(site.paths, site.clock, site.landscape.name)
        found = status(site.landscape, site.topology, targets)
        here = next(one for one in found.environments if one.name == environment)
        problems = [f"{one.name} is {one.state}" for one in here.clusters if one.state != "running"]
        problems += [
            f"{one.name}: node {node.name} is not ready"
            for one in here.clusters
            for node in one.nodes
            if not node.ready
        ]
        if here.argocd == "not ready":
            problems.append("Argo CD is not ready")
        nodes = sum(len(one.nodes) for one in here.clusters)
        return Check("healthy", not problems, listed(problems) or f"{len(here.clusters)} clusters, {nodes} nodes ready")

    return look


def look_running(site: Site) -> Look:
    """Whether every deployment of an Environment runs what its repository has and is healthy at it."""

    def look(environment: str) -> Check:
        from ringfence.flows.status import status
        from ringfence.flows.targets import find_targets

        targets = find_targets(site.paths, site.clock, site.landscape.name)
        found = [
            one
            for one in status(site.landscape, site.topology, targets).deployments
            if one.environment == environment and one.observed is not None
        ]
        problems = [f"{one.deployment} is {one.state}" for one in found if one.state != "running"]
        return Check("gates", not problems, listed(problems) or f"{len(found)} deployments run and are healthy")

    return look


def look_separation(site: Site, accept_unknown: str | None = None) -> Look:
    """Whether the proof holds now, for every pair with a deployment of the Environment.

    What the proof leaves unknown counts as failed, unless somebody takes it on with a reason, which is written down.
    """

    def look(environment: str) -> Check:
        from ringfence.flows.live_proof import present, prove_live, restricted

        here = {one.deployment for one in site.topology.placements if one.environment == environment}
        there = present(site.landscape, site.topology, site.paths, site.clock) | {environment}
        proof = prove_live(site.landscape, restricted(site.topology, there), site.paths, site.clock)
        pairs = [pair for pair in proof.pairs if pair.source in here or pair.destination in here]
        broken = [pair for pair in pairs if pair.answer.value == "broken"]
        unknown = [pair for pair in pairs if pair.answer.value == "unknown"]
        if broken:
            first = broken[0]
            return Check("separation", False, f"{first.source} can harm {first.destination}: ringfence prove shows how")
        if unknown and accept_unknown is None:
            return Check(
                "separation",
                False,
                f"unknown for {len(unknown)} of {len(pairs)} pairs: ringfence prove says what is missing; "
                "--accept-unknown REASON takes it on",
            )
        if unknown:
            because = f"holds for {len(pairs) - len(unknown)} pairs, {len(unknown)} unknown accepted: {accept_unknown}"
            return Check("separation", True, because)
        return Check("separation", True, f"holds for {len(pairs)} pairs")

    return look
