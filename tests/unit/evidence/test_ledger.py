"""The ledger: what an attacker with the file can do, and what is found of it."""

import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.base.clock import SetClock
from ringfence.base.errors import InputError, StateError
from ringfence.evidence.event import Event
from ringfence.evidence.index import EVERY, Known, LedgerIndex
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.signing import CommandSigner, FileSigner, file_signer
from ringfence.evidence.store import FileStore
from ringfence.evidence.verify import Fault, verify_contents

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(number: int = 0, once: str | None = None) -> Event:
    return Event(
        kind="promotion.done",
        actor="alice",
        subject="portal/staging",
        because="ready",
        at=NOON,
        facts={"number": number, "revision": "abc"},
        clauses=("mdr Annex VI 6.5.2",),
        once=once,
    )


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> FileSigner:
    return file_signer(tmp_path_factory.mktemp("keys") / "evidence.pem")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence" / "ledger.jsonl"


@pytest.fixture
def ledger(path: Path, signer: FileSigner) -> Ledger:
    return Ledger("clinic", FileStore(path), signer, SetClock(NOON))


def faults(ledger: Ledger, kept: bytes | None = None) -> set[Fault]:
    return {finding.fault for finding in ledger.verify(kept).findings}


def fill(ledger: Ledger, count: int = 5) -> None:
    for number in range(count):
        ledger.append(event(number))


def test_what_was_appended_is_read_back_in_order(ledger: Ledger) -> None:
    first, second = ledger.append(event(1)), ledger.append(event(2))
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.previous == first.digest
    assert ledger.entries() == (first, second)
    assert ledger.entries()[0].event == event(1)
    verification = ledger.verify()
    assert verification.intact
    assert (verification.entries, verification.head) == (2, second.digest)


def test_an_empty_ledger_is_read_as_empty(ledger: Ledger) -> None:
    assert ledger.entries() == ()


def test_once_is_once(ledger: Ledger) -> None:
    first = ledger.append(event(1, once="promotion-7/done"))
    ledger.append(event(2))
    assert ledger.append(event(3, once="promotion-7/done")) == first
    assert len(ledger.entries()) == 2
    assert ledger.verify().intact


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"".join(line + b"\n" for line in change(lines)))


def with_payload(line: bytes, change: Callable[[dict[str, object]], None]) -> bytes:
    import base64

    envelope = json.loads(line)
    payload = json.loads(base64.b64decode(envelope["payload"]))
    change(payload)
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    return json.dumps(envelope).encode()


def test_a_changed_entry_is_found_and_named(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    edit(path, lambda lines: [*lines[:2], with_payload(lines[2], lambda value: value.update(recorded="x")), *lines[3:]])
    findings = ledger.verify().findings
    assert [(one.fault, one.line) for one in findings] == [(Fault.CHANGED, 3)]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_removed_entry_is_found_and_numbered(ledger: Ledger, path: Path, place: int) -> None:
    fill(ledger)
    edit(path, lambda lines: lines[:place] + lines[place + 1 :])
    assert Fault.REMOVED in faults(ledger)
    assert f"entry {place + 1} is missing" in [finding.detail for finding in ledger.verify().findings]


def test_reordered_entries_are_found(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    edit(path, lambda lines: [lines[0], lines[2], lines[1], *lines[3:]])
    assert faults(ledger) == {Fault.REORDERED}


def test_a_repeated_entry_is_found(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    edit(path, lambda lines: [*lines, lines[1]])
    assert Fault.REPEATED in faults(ledger)


def test_a_cut_end_is_found(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    edit(path, lambda lines: lines[:-2])
    assert faults(ledger) == {Fault.TRUNCATED}


def test_a_ledger_emptied_is_found(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    path.write_bytes(b"")
    assert faults(ledger) == {Fault.TRUNCATED}


def test_a_cut_end_with_the_checkpoint_removed_is_found(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    edit(path, lambda lines: lines[:-2])
    path.with_name("ledger.jsonl.checkpoint").unlink()
    assert faults(ledger) == {Fault.CHECKPOINT}


def test_an_older_copy_with_its_older_checkpoint_shows_only_against_one_kept_elsewhere(
    ledger: Ledger, path: Path
) -> None:
    fill(ledger, 3)
    beside = path.with_name("ledger.jsonl.checkpoint")
    older, older_checkpoint = path.read_bytes(), beside.read_bytes()
    fill(ledger, 2)
    kept = ledger.checkpoint()
    path.write_bytes(older)
    beside.write_bytes(older_checkpoint)
    alone = ledger.verify()
    assert alone.intact
    assert any("kept elsewhere" in note for note in alone.notes)
    assert faults(ledger, kept) == {Fault.TRUNCATED}


def test_a_history_written_anew_shows_against_a_checkpoint_kept_elsewhere(
    ledger: Ledger, path: Path, signer: FileSigner
) -> None:
    fill(ledger, 3)
    kept = ledger.checkpoint()
    path.unlink()
    path.with_name("ledger.jsonl.checkpoint").unlink()
    for number in range(10, 14):
        ledger.append(event(number))
    assert ledger.verify().intact
    assert faults(ledger, kept) == {Fault.CHANGED}


def test_a_stranger_who_signs_everything_anew_is_found(ledger: Ledger, path: Path, tmp_path: Path) -> None:
    fill(ledger, 3)
    path.unlink()
    path.with_name("ledger.jsonl.checkpoint").unlink()
    stranger = Ledger("clinic", FileStore(path), file_signer(tmp_path / "stranger.pem"), SetClock(NOON))
    fill(stranger, 3)
    assert stranger.verify().intact
    assert faults(ledger) == {Fault.FORGED, Fault.CHECKPOINT}


def test_a_signature_moved_from_another_entry_is_found(ledger: Ledger, path: Path) -> None:
    fill(ledger)

    def swap(lines: list[bytes]) -> list[bytes]:
        one, two = json.loads(lines[1]), json.loads(lines[2])
        one["signatures"] = two["signatures"]
        return [lines[0], json.dumps(one).encode(), *lines[2:]]

    edit(path, swap)
    assert [(one.fault, one.line) for one in ledger.verify().findings] == [(Fault.CHANGED, 2)]


def test_an_entry_of_another_ledger_is_found(ledger: Ledger, path: Path, tmp_path: Path, signer: FileSigner) -> None:
    other = Ledger("shop", FileStore(tmp_path / "other.jsonl"), signer, SetClock(NOON))
    fill(ledger, 2)
    fill(other, 3)
    foreign = (tmp_path / "other.jsonl").read_bytes().splitlines()[2]
    edit(path, lambda lines: [*lines, foreign])
    assert Fault.FOREIGN in faults(ledger)


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b'{"payload": 1}', b"1e999"])
def test_junk_is_a_finding_not_a_failure(ledger: Ledger, path: Path, junk: bytes) -> None:
    fill(ledger, 2)
    edit(path, lambda lines: [lines[0], junk, *lines[1:]])
    findings = ledger.verify().findings
    assert (Fault.CHANGED, 2) in [(one.fault, one.line) for one in findings]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_the_bytes_is_found(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, signer: FileSigner
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    ledger = Ledger("clinic", FileStore(path), signer, SetClock(NOON))
    fill(ledger, 4)
    before = path.read_bytes()
    kind = data.draw(st.sampled_from(["flip", "delete", "insert", "permute", "drop"]))
    if kind in ("permute", "drop"):
        lines = before.splitlines(keepends=True)
        chosen = data.draw(st.permutations(lines) if kind == "permute" else st.sampled_from(_subsets(lines)))
        after = b"".join(chosen)
    else:
        at = data.draw(st.integers(0, len(before) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda value: value != before[at]))
        after = {
            "flip": before[:at] + bytes([byte]) + before[at + 1 :],
            "delete": before[:at] + before[at + 1 :],
            "insert": before[:at] + bytes([byte]) + before[at:],
        }[kind]
    path.write_bytes(after)
    verification = ledger.verify()
    same = [one.event for one in verification.trusted] == [event(number) for number in range(4)]
    # A changed byte that changes no meaning (a space between two values) may pass; a changed history may not.
    assert not verification.intact or same


def _subsets(lines: list[bytes]) -> list[tuple[bytes, ...]]:
    return [chosen for count in range(len(lines)) for chosen in itertools.combinations(lines, count)]


def test_a_write_cut_short_is_mended_and_not_held_against_anybody(ledger: Ledger, path: Path) -> None:
    fill(ledger, 2)
    whole = path.read_bytes()
    extra = whole.splitlines()[1][:100]
    path.write_bytes(whole + extra)
    verification = ledger.verify()
    assert verification.intact
    assert "100 bytes" in verification.notes[0]
    assert ledger.append(event(9)).sequence == 3
    assert ledger.verify().intact
    assert path.read_bytes().startswith(whole + b"{")


def test_a_checkpoint_that_a_crash_left_one_behind_is_true_all_the_same(ledger: Ledger, path: Path) -> None:
    fill(ledger, 2)
    beside = path.with_name("ledger.jsonl.checkpoint")
    older = beside.read_bytes()
    fill(ledger, 1)
    beside.write_bytes(older)
    assert ledger.verify().intact
    assert ledger.append(event(4)).sequence == 4


def test_nothing_is_added_to_a_ledger_that_was_cut(ledger: Ledger, path: Path) -> None:
    fill(ledger, 3)
    edit(path, lambda lines: lines[:1])
    before = path.read_bytes()
    with pytest.raises(StateError, match="speaks of 3 entries, its end is at 1"):
        ledger.append(event(4))
    assert path.read_bytes() == before


def test_nothing_is_added_when_the_checkpoint_is_missing(ledger: Ledger, path: Path) -> None:
    fill(ledger, 1)
    path.with_name("ledger.jsonl.checkpoint").unlink()
    with pytest.raises(StateError, match="its checkpoint is missing"):
        ledger.append(event(4))


def test_many_writers_lose_nothing_and_repeat_nothing(path: Path, signer: FileSigner) -> None:
    def write(writer: int) -> None:
        own = Ledger("clinic", FileStore(path), signer, SetClock(NOON))
        for number in range(10):
            own.append(event(writer * 100 + number))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = Ledger("clinic", FileStore(path), signer, SetClock(NOON))
    assert ledger.verify().intact
    numbers = [entry.event.facts["number"] for entry in ledger.entries()]
    assert sorted(numbers) == sorted(writer * 100 + number for writer in range(6) for number in range(10))


_WRITER = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from ringfence.base.clock import SystemClock
from ringfence.evidence.event import Event
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.signing import file_signer
from ringfence.evidence.store import FileStore
ledger = Ledger("clinic", FileStore(Path(sys.argv[1])), file_signer(Path(sys.argv[2])), SystemClock())
for number in range(100000):
    entry = ledger.append(Event("tick", "alice", "it", "", datetime.now(UTC), {"number": number}))
    print(entry.sequence, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_what_it_acknowledged(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "evidence.pem"
    ledger = Ledger("clinic", FileStore(path), file_signer(key), SetClock(NOON))
    for acknowledged in (1, 4, 9):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(key)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            before = len(ledger.entries())
            last = max(int(process.stdout.readline()) for _ in range(acknowledged))
            os.kill(process.pid, signal.SIGKILL)
        assert last == before + acknowledged
        assert ledger.verify().intact
        assert len(ledger.entries()) >= last
        ledger.append(event(0))
    assert ledger.verify().intact


def test_a_second_key_may_be_trusted(path: Path, tmp_path: Path, signer: FileSigner) -> None:
    colleague = file_signer(tmp_path / "colleague.pem")
    mine = Ledger("clinic", FileStore(path), signer, SetClock(NOON), [colleague.public])
    theirs = Ledger("clinic", FileStore(path), colleague, SetClock(NOON), [signer.public])
    mine.append(event(1))
    theirs.append(event(2))
    mine.append(event(3))
    assert mine.verify().intact
    contents = FileStore(path).read()
    assert {one.fault for one in verify_contents(contents, [signer.public]).findings} == {Fault.FORGED}


def test_a_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "evidence.pem"
    signer = file_signer(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert file_signer(path).public == signer.public
    path.chmod(0o644)
    with pytest.raises(StateError, match="may be read by others"):
        file_signer(path)


def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = tmp_path / "evidence.pem"
    path.write_text("hunter2")
    path.chmod(0o600)
    with pytest.raises(StateError) as raised:
        file_signer(path)
    assert "hunter2" not in str(raised.value)


def test_a_key_elsewhere_signs_by_a_command(path: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from ringfence.evidence.signing import PublicKey

    key = ec.generate_private_key(ec.SECP256R1())
    pem = tmp_path / "service.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = PublicKey(
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    script = (
        "import base64, sys\n"
        "from cryptography.hazmat.primitives import hashes, serialization\n"
        "from cryptography.hazmat.primitives.asymmetric import ec\n"
        "key = serialization.load_pem_private_key(open(sys.argv[1], 'rb').read(), None)\n"
        "print(base64.b64encode(key.sign(sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256()))).decode())\n"
    )
    signer = CommandSigner([sys.executable, "-c", script, str(pem)], public)
    ledger = Ledger("clinic", FileStore(path), signer, SetClock(NOON))
    ledger.append(event(1))
    assert ledger.verify().intact


@pytest.mark.parametrize("facts", [{"when": NOON}, {"number": float("nan")}, {"bytes": b"x"}, {"set": {1}}])
def test_facts_must_be_json(ledger: Ledger, facts: dict[str, object]) -> None:
    wrong = Event("x", "alice", "it", "", NOON, facts)
    with pytest.raises(InputError):
        ledger.append(wrong)
    assert ledger.entries() == ()


def test_an_event_without_an_actor_or_an_offset_is_refused() -> None:
    with pytest.raises(InputError):
        Event("x", "", "it", "", NOON)
    with pytest.raises(InputError):
        Event("x", "alice", "it", "", datetime(2026, 1, 1))  # noqa: DTZ001


def indexed(folder: Path, signer: FileSigner) -> Ledger:
    store = FileStore(folder / "ledger.jsonl")
    return Ledger("clinic", store, signer, SetClock(NOON), index=folder / "index.json")


def streamed(number: int, prefix: str = "orders/") -> Event:
    return Event("order.approved", "carol", "clinic", "ready", NOON, {"number": number}, (), f"{prefix}{number}")


def test_an_index_says_what_the_ledger_says(tmp_path: Path) -> None:
    signer = file_signer(tmp_path / "key.pem")
    ledger = indexed(tmp_path, signer)
    for number in range(EVERY + 3):
        ledger.append(streamed(number))
    index = tmp_path / "index.json"
    assert index.exists()
    with_index = ledger.stream("orders/")
    assert [event.facts["number"] for event in with_index] == list(range(EVERY + 3))
    assert ledger.append(streamed(2)).sequence == 3
    index.unlink()
    assert ledger.stream("orders/") == with_index


@pytest.mark.parametrize("edit", ["forged", "of another ledger's lines", "hidden", "cut"])
def test_an_index_that_does_not_fit_is_not_believed(tmp_path: Path, edit: str) -> None:
    signer = file_signer(tmp_path / "key.pem")
    ledger = indexed(tmp_path, signer)
    for number in range(EVERY + 1):
        ledger.append(streamed(number))
    index = tmp_path / "index.json"
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines()
    stranger = file_signer(tmp_path / "stranger.pem")
    if edit == "forged":
        LedgerIndex(index, "clinic", stranger).save(Known(len(lines), "sha256:0", {}), lines)
    elif edit == "of another ledger's lines":
        LedgerIndex(index, "clinic", signer).save(Known(2, "sha256:0", {}), [b"other", b"lines"])
    elif edit == "hidden":
        envelope = json.loads(index.read_text())
        envelope["payload"] = base64.b64encode(base64.b64decode(envelope["payload"]).replace(b"orders/3", b"gone/3"))
        index.write_text(json.dumps({**envelope, "payload": envelope["payload"].decode()}))
    else:
        index.write_bytes(index.read_bytes()[:100])
    assert len(ledger.stream("orders/")) == EVERY + 1
    assert ledger.append(streamed(3)).sequence == 4
