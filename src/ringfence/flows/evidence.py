"""Use cases of the ledger: find it, verify it, export it, keep a checkpoint of it elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ringfence.base.clock import Clock
from ringfence.base.errors import InputError, StateError, UsageError
from ringfence.base.paths import Paths, write_atomically
from ringfence.base.text import suggestion
from ringfence.evidence.entry import Entry, read_entry
from ringfence.evidence.export import export_html, export_json
from ringfence.evidence.gitstore import GitStore
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.oscal import export_oscal
from ringfence.evidence.place import (
    Settings,
    key_path,
    open_ledger,
    open_store,
    read_settings,
    trusted_keys,
    write_settings,
)
from ringfence.evidence.signing import PublicKey, SignatureError, read_public_key
from ringfence.evidence.store import Contents, FileStore, Store
from ringfence.evidence.verify import Verification, verify_contents


class ExportFormat(StrEnum):
    """The forms in which the ledger is handed over."""

    OSCAL = "oscal"
    JSON = "json"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Found:
    """A ledger to look at: where it is, the name it must have (None: any), and who may have signed it."""

    store: Store
    name: str | None
    trusted: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export: text, and whether the ledger behind it is intact."""

    text: str
    intact: bool


def landscape_name(paths: Paths, given: Path | None) -> str:
    """The landscape meant by ``given``: a Landscape file or folder, else the name of one that has state.

    Without one: the ``ringfence.yaml`` of the present folder, else the only landscape with a ledger. Raises UsageError
    when that is none or several.
    """
    from ringfence.landscape.load import load_landscape

    path = given if given is not None else Path("ringfence.yaml")
    if path.exists():
        return load_landscape(path).name
    known = sorted(folder.name for folder in (paths.data / "evidence").glob("*") if folder.is_dir())
    if given is not None:
        if str(given) in known:
            return str(given)
        raise InputError(
            f"{given}: there is no such file, and no landscape of that name has a ledger; "
            f"{suggestion(str(given), known)}".rstrip("; "),
            reason="NotFound",
            hint="name the Landscape file, the landscape, or a ledger with --ledger FILE",
        )
    if len(known) == 1:
        return known[0]
    raise UsageError(
        "which ledger? there is no ringfence.yaml here, and "
        + (f"several landscapes have one: {', '.join(known)}" if known else "no landscape has one yet"),
        hint="name the Landscape file, the landscape, or a ledger with --ledger FILE",
    )


def find_ledger(paths: Paths, given: Path | None, ledger: Path | None, keys: Sequence[Path]) -> Found:
    """The ledger in the file ``ledger``, else that of the landscape meant by ``given``; ``keys`` are trusted besides.

    Somebody else's ledger file is judged by ``keys`` alone when there are any, else by this machine's own key.
    """
    extra = tuple(read_public_key(path) for path in keys)
    if ledger is not None:
        if not ledger.is_file():
            raise InputError(
                f"{ledger}: there is no ledger file there",
                reason="NotFound",
                hint="--ledger names the file that whoever keeps the ledger handed over",
            )
        return Found(FileStore(ledger), None, extra or _own_key(paths))
    name = landscape_name(paths, given)
    settings = read_settings(paths, name)
    own = (read_public_key(Path(settings.public)),) if settings.public else _own_key(paths)
    store = open_store(paths, name, settings)
    if isinstance(store, GitStore):
        store.synchronise()
    return Found(store, name, (*own, *trusted_keys(settings), *extra))


def _own_key(paths: Paths) -> tuple[PublicKey, ...]:
    public = key_path(paths).with_name(key_path(paths).name + ".pub")
    return (read_public_key(public),) if public.exists() else ()


def verify(found: Found, checkpoint: Path | None = None) -> Verification:
    """Check a ledger; ``checkpoint`` is a file that somebody else kept. Raises StateError when there is no ledger."""
    return verify_contents(_existing(found), found.trusted, ledger=found.name, kept=_kept(checkpoint))


def export(found: Found, form: ExportFormat, clock: Clock, checkpoint: Path | None = None) -> Export:
    """A ledger in a form for auditors, with the outcome of its verification inside."""
    import json

    contents = _existing(found)
    verification = verify_contents(contents, found.trusted, ledger=found.name, kept=_kept(checkpoint))
    if form is ExportFormat.HTML:
        return Export(export_html(verification), verification.intact)
    if form is ExportFormat.JSON:
        value = export_json(verification)
    else:
        value = export_oscal(verification, _lines_by_digest(contents), clock.now())
    return Export(json.dumps(value, indent=2, ensure_ascii=False) + "\n", verification.intact)


def entries(paths: Paths, given: Path | None, clock: Clock, last: int = 0) -> tuple[Entry, ...]:
    """The entries of a landscape's ledger, or its ``last`` ones only, for showing; not verified."""
    ledger = open_ledger(paths, landscape_name(paths, given), clock)
    return ledger.latest(last) if last > 0 else ledger.entries()


def checkpoint(paths: Paths, given: Path | None, output: Path, clock: Clock, *, dry_run: bool = False) -> int:
    """Write a signed checkpoint of the ledger to ``output``; how many entries it speaks of."""
    ledger: Ledger = open_ledger(paths, landscape_name(paths, given), clock)
    verification = ledger.verify()
    if not verification.intact:
        raise StateError(
            f"a ledger that is not intact gets no checkpoint: {verification.findings[0].detail}",
            reason="LedgerBroken",
            hint="ringfence evidence verify says everything that was found",
        )
    if not dry_run:
        write_atomically(output, ledger.checkpoint(), mode=0o644)
    return verification.entries


def configure(paths: Paths, given: Path | None, settings: Settings, *, dry_run: bool = False) -> Path | None:
    """Write where a landscape's ledger is kept and who signs it. Raises StateError once it has entries elsewhere."""
    name = landscape_name(paths, given)
    present = read_settings(paths, name)
    moved = (present.repository, present.remote) != (settings.repository, settings.remote)
    if moved and open_store(paths, name, present).read().lines:
        raise StateError(
            f"the ledger of {name} has entries at {open_store(paths, name, present).name}; a ledger does not move",
            reason="LedgerHasEntries",
            hint="keep it where it is; the keys that sign and verify may change",
        )
    for path in (*settings.trusted, *((settings.public,) if settings.public else ())):
        read_public_key(Path(path))
    return None if dry_run else write_settings(paths, name, settings)


def _existing(found: Found) -> Contents:
    contents = found.store.read()
    if not contents.lines and contents.checkpoint is None:
        raise StateError(
            f"{found.store.name}: there is no ledger yet, or it was removed together with its checkpoint",
            reason="NoLedger",
            hint="a ledger begins with the first promotion, order or update; "
            "a checkpoint kept elsewhere tells whether there was one",
        )
    return contents


def _kept(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the checkpoint cannot be read: {error.strerror}", reason="NotFound") from error


def _lines_by_digest(contents: Contents) -> dict[str, bytes]:
    found = {}
    for line in contents.lines:
        try:
            found[read_entry(line, None).digest] = line
        except SignatureError:
            continue
    return found
