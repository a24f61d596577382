"""The ledger in Git: two machines, a race, a remote that is away, a history that was rewritten."""

import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringfence.base.clock import SetClock
from ringfence.base.errors import StateError, UnreachableError
from ringfence.evidence.event import Event
from ringfence.evidence.gitstore import GitStore
from ringfence.evidence.ledger import Ledger
from ringfence.evidence.signing import FileSigner, file_signer
from ringfence.evidence.verify import Fault

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def repository(path: Path, *, bare: bool = False) -> Path:
    path.mkdir()
    git(path, "init", "--quiet", *(["--bare"] if bare else []))
    return path


def event(who: str, number: int, once: str | None = None) -> Event:
    return Event("promotion.done", who, "portal/staging", "ready", NOON, {"number": number}, (), once)


@pytest.fixture(scope="session")
def signers(tmp_path_factory: pytest.TempPathFactory) -> tuple[FileSigner, FileSigner]:
    folder = tmp_path_factory.mktemp("keys")
    return file_signer(folder / "a.pem"), file_signer(folder / "b.pem")


def ledger(path: Path, signers: tuple[FileSigner, FileSigner], remote: Path | None = None, *, other: int = 1) -> Ledger:
    store = GitStore(path, "clinic", None if remote is None else str(remote))
    return Ledger("clinic", store, signers[1 - other], SetClock(NOON), [signers[other].public])


def test_entries_are_kept_in_git_and_nothing_else_is_touched(
    tmp_path: Path, signers: tuple[FileSigner, FileSigner]
) -> None:
    home = repository(tmp_path / "home")
    found = ledger(home, signers)
    written = [found.append(event("alice", number)) for number in range(3)]
    assert list(found.entries()) == written
    assert found.verify().intact
    assert git(home, "status", "--porcelain") == ""
    assert git(home, "rev-list", "--count", "refs/ringfence/ledger/clinic") == "4"  # the first promises none
    git(home, "fsck", "--strict")


def test_more_than_a_folder_of_entries(
    tmp_path: Path, signers: tuple[FileSigner, FileSigner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.evidence.gitstore._BUCKET", 3)
    found = ledger(repository(tmp_path / "home"), signers)
    for number in range(8):
        found.append(event("alice", number))
    assert [entry.event.facts["number"] for entry in found.entries()] == list(range(8))
    assert found.verify().intact


def test_two_machines_that_push_at_once_lose_nothing(tmp_path: Path, signers: tuple[FileSigner, FileSigner]) -> None:
    remote = repository(tmp_path / "remote", bare=True)
    machines = [ledger(repository(tmp_path / name), signers, remote, other=1 - at) for at, name in enumerate("ab")]
    failures: list[BaseException] = []

    def write(found: Ledger, who: str) -> None:
        try:
            for number in range(6):
                found.append(event(who, number))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(found, who)) for found, who in zip(machines, "ab", strict=True)]
    threads.append(threading.Thread(target=write, args=(machines[0], "c")))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for found, name in zip(machines, "ab", strict=True):
        GitStore(tmp_path / name, "clinic", str(remote)).synchronise()
        assert found.verify().intact
        assert sorted((entry.event.actor, entry.event.facts["number"]) for entry in found.entries()) == sorted(
            (who, number) for who in "abc" for number in range(6)
        )


def test_an_entry_pushed_before_a_crash_is_not_written_twice(
    tmp_path: Path, signers: tuple[FileSigner, FileSigner]
) -> None:
    remote = repository(tmp_path / "remote", bare=True)
    home = repository(tmp_path / "home")
    found = ledger(home, signers, remote)
    found.append(event("alice", 1))
    before = git(home, "rev-parse", "refs/ringfence/ledger/clinic")
    first = found.append(event("alice", 2, once="two"))
    # As if the process had died after the push and before the local ref followed.
    git(home, "update-ref", "refs/ringfence/ledger/clinic", before)
    assert found.append(event("alice", 2, once="two")) == first
    assert len(found.entries()) == 2


def test_entries_written_alone_are_brought_along_once_there_is_a_remote(
    tmp_path: Path, signers: tuple[FileSigner, FileSigner]
) -> None:
    home = repository(tmp_path / "home")
    ledger(home, signers).append(event("alice", 1))
    remote = repository(tmp_path / "remote", bare=True)
    ledger(home, signers, remote).append(event("alice", 2))
    other = ledger(repository(tmp_path / "other"), signers, remote, other=0)
    other.append(event("bob", 3))
    assert [entry.event.facts["number"] for entry in other.entries()] == [1, 2, 3]


def test_a_remote_that_is_away_is_said_and_nothing_is_written(
    tmp_path: Path, signers: tuple[FileSigner, FileSigner]
) -> None:
    home = repository(tmp_path / "home")
    found = ledger(home, signers, tmp_path / "nowhere")
    with pytest.raises(UnreachableError, match="did not answer"):
        found.append(event("alice", 1))
    assert found.entries() == ()


def test_a_remote_that_was_rewritten_is_not_taken_over(tmp_path: Path, signers: tuple[FileSigner, FileSigner]) -> None:
    remote = repository(tmp_path / "remote", bare=True)
    found = ledger(repository(tmp_path / "home"), signers, remote)
    for number in range(3):
        found.append(event("alice", number))
    ref = "refs/ringfence/ledger/clinic"
    other = ledger(repository(tmp_path / "other"), signers, remote, other=0)
    git(remote, "update-ref", ref, git(remote, "rev-parse", f"{ref}~2"))
    other.append(event("mallory", 9))
    with pytest.raises(StateError, match="not a continuation"):
        found.append(event("alice", 4))


def test_a_cut_history_shows_against_a_checkpoint_kept_elsewhere(
    tmp_path: Path, signers: tuple[FileSigner, FileSigner]
) -> None:
    home = repository(tmp_path / "home")
    found = ledger(home, signers)
    for number in range(3):
        found.append(event("alice", number))
    kept = found.checkpoint()
    ref = "refs/ringfence/ledger/clinic"
    git(home, "update-ref", ref, git(home, "rev-parse", f"{ref}~1"))
    assert found.verify().intact
    assert {one.fault for one in found.verify(kept).findings} == {Fault.TRUNCATED}


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path, signers: tuple[FileSigner, FileSigner]) -> None:
    with pytest.raises(StateError, match=str(tmp_path)):
        ledger(tmp_path, signers).append(event("alice", 1))
