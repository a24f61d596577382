"""Where in its file an object is: looked for only when a report needs it, since keeping lines of all costs too much."""

import re
from pathlib import Path

from ringfence.base.errors import Location
from ringfence.prove.snapshot import Snapshot


def locate(snapshot: Snapshot, name: str) -> Location | None:
    """The file of the object that a proof calls ``name``, with the line of its name when it is found in the text."""
    cluster = name.partition(":")[0]
    found = snapshot.clusters.get(cluster)
    if found is None:
        return None
    for key, source in found.sources.items():
        if str(key) == name:
            return Location(source, _line(Path(source), key.kind, key.namespace, key.name))
    return None


def _line(path: Path, kind: str, namespace: str, name: str) -> int | None:
    """The line where a document of this kind writes its name; None when the text is not written that plainly."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    named = re.compile(rf"""["']?name["']?\s*:\s*["']?{re.escape(name)}["']?\s*([,}}#]|$)""")
    kinds = re.compile(rf"""["']?kind["']?\s*:\s*["']?{re.escape(kind)}["']?\s*([,}}#]|$)""")
    spaced = re.compile(rf"""["']?namespace["']?\s*:\s*["']?{re.escape(namespace)}["']?\s*([,}}#]|$)""")
    start = 0
    best: int | None = None
    for number in range(len(lines) + 1):
        if number == len(lines) or lines[number].startswith("---"):
            block = lines[start:number]
            if any(kinds.search(line) for line in block):
                inside = not namespace or any(spaced.search(line) for line in block)
                for offset, line in enumerate(block):
                    if named.search(line):
                        if inside:
                            return start + offset + 1
                        best = best or start + offset + 1
                        break
            start = number + 1
    return best
