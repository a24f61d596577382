"""``info``: every path, version, port and process in use."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringfence.base.clock import Clock
from ringfence.base.errors import RingfenceError
from ringfence.base.paths import Paths
from ringfence.engine import Engine, EngineState


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that Ringfence calls: where it is and what it says of itself; both empty when it is missing."""

    name: str
    path: str
    version: str


@dataclass(frozen=True, slots=True)
class Info:
    """What is in use. ``engine`` says where the engine's programs are, or what was looked for."""

    version: str
    python: str
    paths: Paths
    engine: str
    tools: tuple[Tool, ...]
    landscapes: tuple[EngineState, ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "apiVersion": "ringfence.dev/v1",
            "kind": "Info",
            "version": self.version,
            "python": self.python,
            "paths": {"state": str(self.paths.state), "data": str(self.paths.data), "cache": str(self.paths.cache)},
            "engine": self.engine,
            "tools": [{"name": tool.name, "path": tool.path, "version": tool.version} for tool in self.tools],
            "landscapes": [_landscape_json(one) for one in self.landscapes],
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
        "repositories": [str(environment.repositories) for environment in state.environments],
    }


def info(paths: Paths, clock: Clock) -> Info:
    """Look everything up; changes nothing."""
    from ringfence import __version__

    engine = Engine(paths, clock)
    try:
        programs = str(engine.binaries().folder)
    except RingfenceError as error:
        programs = f"not there: {error.message}"
    return Info(
        __version__,
        f"{platform.python_implementation()} {platform.python_version()} ({platform.platform()})",
        paths,
        programs,
        (_tool("git", "--version"),),
        tuple(engine.state(name) for name in engine.landscapes()),
    )


def _tool(name: str, *arguments: str) -> Tool:
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder) / name
        if path.is_file() and os.access(path, os.X_OK):
            result = subprocess.run([str(path), *arguments], capture_output=True, text=True, check=False, timeout=10)
            return Tool(name, str(path), result.stdout.strip().partition("\n")[0])
    return Tool(name, "", "")
