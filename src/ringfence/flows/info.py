"""``info``: every path, version, port and process in use."""

import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError
from ringfence.base.paths import Paths
from ringfence.engine import Engine, EngineState
from ringfence.flows.targets import Contexts, read_contexts


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that Ringfence calls: where it is and what it says of itself; both empty when it is missing."""

    name: str
    path: str
    version: str


@dataclass(frozen=True, slots=True)
class Info:
    """What is in use. ``engine`` says where the engine's programs are, or what was looked for; ``components`` are the
    versions of what they are made of. ``contexts`` maps a landscape to the clusters that its user brought.
    """

    version: str
    python: str
    paths: Paths
    engine: str
    components: Mapping[str, str]
    tools: tuple[Tool, ...]
    landscapes: tuple[EngineState, ...]
    contexts: Mapping[str, Contexts]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Info",
            "version": self.version,
            "python": self.python,
            "paths": {"state": str(self.paths.state), "data": str(self.paths.data), "cache": str(self.paths.cache)},
            "engine": self.engine,
            "components": dict(self.components),
            "tools": [{"name": tool.name, "path": tool.path, "version": tool.version} for tool in self.tools],
            "landscapes": [_landscape_json(one) for one in self.landscapes],
            "contexts": {
                landscape: {
                    name: {"context": one.context, "kubeconfig": str(one.kubeconfig)}
                    for name, one in sorted(contexts.clusters.items())
                }
                for landscape, contexts in self.contexts.items()
            },
        }


def _landscape_json(state: EngineState) -> dict[str, Any]:
    return {
        "name": state.landscape,
        "directory": str(state.directory),
        "clusters": [
            {
                "name": cluster.name,
                "environment": cluster.environment,
                "role": cluster.role.value,
                "server": cluster.server,
                "port": cluster.port,
                "version": cluster.version,
                "ready": cluster.ready,
                "directory": str(cluster.directory),
                "kubeconfig": str(cluster.kubeconfig),
                "auditLog": str(cluster.audit_log),
            }
            for cluster in state.clusters
        ],
        "processes": [
            {"name": process.name, "pid": process.pid, "log": str(process.log)} for process in state.processes
        ],
        "argocd": {
            environment.name: environment.argocd.version
            for environment in state.environments
            if environment.argocd is not None
        },
        "repositories": [str(environment.repositories) for environment in state.environments],
    }


def info(paths: Paths, clock: Clock) -> Info:
    """Look everything up; changes nothing."""
    from ringfence import __version__

    engine = Engine(paths, clock)
    components: Mapping[str, str] = {}
    try:
        programs = str(engine.binaries().folder)
        components = engine.binaries().versions()
    except RingfenceError as error:
        programs = f"not there: {error.message}"
    return Info(
        __version__,
        f"{platform.python_implementation()} {platform.python_version()} ({platform.platform()})",
        paths,
        programs,
        components,
        (_tool("git", "--version"),),
        tuple(engine.state(name) for name in engine.landscapes()),
        _contexts(paths),
    )


def _contexts(paths: Paths) -> Mapping[str, Contexts]:
    """The clusters that users brought, by landscape; a record that cannot be read is left out."""
    found: dict[str, Contexts] = {}
    for folder in sorted(path for path in paths.state.glob("*") if path.is_dir()):
        with suppress(RingfenceError):
            contexts = read_contexts(folder)
            if contexts.clusters:
                found[folder.name] = contexts
    return found


def _tool(name: str, *arguments: str) -> Tool:
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder) / name
        if path.is_file() and os.access(path, os.X_OK):
            result = subprocess.run([str(path), *arguments], capture_output=True, text=True, check=False, timeout=10)
            return Tool(name, str(path), result.stdout.strip().partition("\n")[0])
    return Tool(name, "", "")
