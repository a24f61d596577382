"""The use case of starting: a small Landscape to change, or one of the examples that come with Ringfence."""

import re
from dataclasses import dataclass
from pathlib import Path

from ringfence.base.errors import UsageError
from ringfence.base.paths import write_atomically
from ringfence.base.text import suggestion
from ringfence.landscape.load import DEFAULT_FILE

_TEMPLATE = """\
# What you have, and what must be apart. `ringfence plan` decides how many Environments that takes.
apiVersion: ringfence.dev/v1
kind: Landscape
metadata: {{name: {name}}}
spec:
  posture: recommended            # or minimum: only what clauses require
  regulations: [iso-27001, welkin]  # `ringfence regulations` lists all of them
  applications:
    - name: shop
      source: {{helm: charts/shop}}
      data: internal
      needs: [postgresql]
      requests: {{cpu: 500m, memory: 1Gi}}
      deployments:
        local: {{}}
        development: {{}}
        testing: {{copies: 3}}
        staging: {{}}
        production: {{requests: {{cpu: "2", memory: 4Gi}}}}
  costs:                          # a month, in your currency
    environment: 1200
    cluster: 450
    node: {{cpu: "4", memory: 16Gi, price: 110, fill: 0.8, minPerPool: 1}}
"""


@dataclass(frozen=True, slots=True)
class Start:
    """The files to write, by their place; ``landscape`` is the one to plan."""

    files: dict[Path, bytes]
    landscape: Path


def example_names() -> tuple[str, ...]:
    """The examples that come with Ringfence."""
    folder = _examples()
    return tuple(sorted(path.parent.name for path in folder.glob(f"*/{DEFAULT_FILE}"))) if folder else ()


def _examples() -> Path | None:
    """In the package where it was installed from a wheel, beside ``src`` in a checkout."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here.parents[1] / "examples", here / "_examples"):
        if folder.is_dir() and any(folder.glob(f"*/{DEFAULT_FILE}")):
            return folder
    return None


def start(folder: Path, example: str | None) -> Start:
    """What to write into a folder. Raises UsageError when that would replace a file, or there is no such example."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", reason="NotAFolder", hint="name a folder: ringfence init DIR")
    files = _template(folder) if example is None else _copy(folder, example)
    taken = sorted(str(path) for path in files if path.exists())
    if taken:
        raise UsageError(
            f"{taken[0]} is there already; nothing was written",
            reason="FileExists",
            hint="name another folder: ringfence init DIR",
        )
    return Start(files, folder / DEFAULT_FILE)


def write(start: Start) -> None:
    """Write the files, the Landscape last, so that a folder with a Landscape is complete. Raises StateError."""
    for path in sorted(start.files, key=lambda each: (each == start.landscape, each)):
        write_atomically(path, start.files[path], mode=0o644)


def _template(folder: Path) -> dict[Path, bytes]:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:40].strip("-") or "landscape"
    return {folder / DEFAULT_FILE: _TEMPLATE.format(name=name).encode()}


def _copy(folder: Path, example: str) -> dict[Path, bytes]:
    names, source = example_names(), _examples()
    if source is None or example not in names:
        hint = suggestion(example, names) or "this installation carries no examples"
        raise UsageError(
            f"no example is called {example!r}; {hint}",
            reason="UnknownExample",
            hint="ringfence init without --example writes a Landscape to start from",
        )
    root = source / example
    return {
        folder / path.relative_to(root): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
