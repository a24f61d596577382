"""The repository against a plain dictionary, against other writers, and against kill -9."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.base.clock import SetClock
from ringfence.base.errors import ConflictError, InputError, StateError
from ringfence.deliver.git import Person, Repository

CLOCK = SetClock(datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.open(tmp_path / "one.git", CLOCK)


def test_a_repository_is_made_once_and_has_no_commit(repository: Repository) -> None:
    assert repository.head() is None
    assert repository.files() == {}
    assert repository.read("a") is None
    again = Repository.open(repository.path, CLOCK)
    assert again.head() is None


def test_the_same_files_at_the_same_time_are_the_same_commit(tmp_path: Path) -> None:
    shas = {
        Repository.open(tmp_path / f"{name}.git", CLOCK).commit({"b/c": b"2", "a": b"1"}, "Say so").sha
        for name in ("one", "two")
    }
    assert len(shas) == 1


def test_nothing_to_change_makes_no_commit(repository: Repository) -> None:
    first = repository.commit({"a": b"1"}, "One")
    second = repository.commit({"a": b"1"}, "The same")
    assert first.made
    assert not second.made
    assert second.sha == first.sha


def test_a_first_commit_needs_a_file(repository: Repository) -> None:
    with pytest.raises(InputError):
        repository.commit({}, "Nothing")


def test_author_and_message_are_kept(repository: Repository) -> None:
    commit = repository.commit({"a": b""}, "Ein Grüß\n\nBecause", author=Person("Ada <x>\n", "ada@clinic.example"))
    shown = subprocess.check_output(
        ["git", "log", "-1", "--format=%an|%ae|%cn|%B", commit.sha], cwd=repository.path, text=True
    )
    assert shown.strip() == "Ada x|ada@clinic.example|Ringfence|Ein Grüß\n\nBecause"


def test_folders_are_removed_whole_and_may_be_replaced_in_the_same_commit(repository: Repository) -> None:
    repository.commit({"chart/a": b"1", "chart/sub/b": b"2", "chartish": b"3"}, "One")
    repository.commit({"chart": None, "chart/c": b"4"}, "Two")
    assert repository.files() == {"chart/c": b"4", "chartish": b"3"}


def test_ancestors_and_sameness(repository: Repository) -> None:
    first = repository.commit({"a": b"1", "b/c": b"1"}, "One").sha
    second = repository.commit({"a": b"2"}, "Two").sha
    assert repository.contains(first, second)
    assert not repository.contains(second, first)
    assert not repository.contains("0" * 40, second)
    assert repository.same("b", first, second)
    assert not repository.same("a", first, second)
    assert repository.read("a", first) == b"1"


_PATHS = st.sampled_from(["a", "b", "d/e", "d/f", "d/g/h", 'wéird "q"', "with space"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(_PATHS, st.one_of(st.none(), st.binary(max_size=40)), max_size=4), max_size=4))
def test_any_edits_give_what_a_dictionary_gives(tmp_path: Path, edits: list[dict[str, bytes | None]]) -> None:
    repository = Repository.open(tmp_path / f"{time.monotonic_ns()}.git", CLOCK)
    repository.commit({"seed": b"0"}, "Seed")
    model = {"seed": b"0"}
    for edit in edits:
        repository.commit(edit, "Edit")
        for path, content in edit.items():
            if content is None:
                model.pop(path, None)
            else:
                model[path] = content
        assert repository.files() == model


def test_writers_at_the_same_time_lose_nothing(repository: Repository) -> None:
    repository.commit({"seed": b""}, "Seed")
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(5):
                Repository(repository.path, CLOCK).commit({f"{name}/{number}": b"x"}, name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(repository.files()) == {"seed", *(f"{name}/{number}" for name in "abc" for number in range(5))}


_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ringfence.base.clock import SetClock
from ringfence.deliver.git import Repository
repository = Repository.open(Path(sys.argv[1]), SetClock(datetime(2026, 11, 23, tzinfo=UTC)))
number = 0
while True:
    number += 1
    repository.commit({"one": b"%d" % number, "two": b"%d" % number}, "Both")
"""


def test_killed_at_any_moment_the_branch_is_at_a_whole_commit(tmp_path: Path) -> None:
    path = tmp_path / "killed.git"
    for wait in (0, 1, 3, 6, 10, 15):
        process = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        seen = _objects(path)
        while time.monotonic() < until and _objects(path) < seen + wait and process.poll() is None:
            pass
        process.kill()
        process.wait()
        repository = Repository.open(path, CLOCK)
        files = repository.files()
        assert files.get("one") == files.get("two")
        lock = path / "refs" / "heads" / "main.lock"
        if lock.exists():  # as if it had been left long ago
            os.utime(lock, (0, 0))
        after = repository.commit({"one": b"after %d" % wait, "two": b"after %d" % wait}, "After")
        assert after.made
        assert subprocess.run(["git", "fsck", "--strict"], cwd=path, capture_output=True, check=False).returncode == 0


def _objects(path: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(path / "objects"))


def test_a_lock_that_a_killed_writer_left_is_taken_away(repository: Repository) -> None:
    repository.commit({"a": b"1"}, "One")
    lock = repository.path / "refs" / "heads" / "main.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    assert repository.commit({"a": b"2"}, "Two").made


def test_without_git_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StateError) as caught:
        Repository.open(tmp_path / "one.git", CLOCK)
    assert caught.value.reason == "NoGit"
    assert "apt-get install git" in (caught.value.hint or "")
    assert not (tmp_path / "one.git").exists()


def test_a_repository_in_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError) as caught:
        Repository.open(tmp_path / "file" / "one.git", CLOCK)
    assert caught.value.reason == "CannotWrite"


def test_pushing_brings_the_branch_and_never_overwrites(tmp_path: Path, repository: Repository) -> None:
    remote = Repository.open(tmp_path / "remote.git", CLOCK)
    sha = repository.commit({"a": b"1"}, "One").sha
    repository.push(remote.url)
    assert remote.head() == sha
    remote.commit({"b": b"theirs"}, "Theirs")
    repository.commit({"a": b"2"}, "Two")
    with pytest.raises(ConflictError):
        repository.push(remote.url)


def test_a_password_in_a_remote_is_not_repeated(repository: Repository) -> None:
    repository.commit({"a": b"1"}, "One")
    with pytest.raises(StateError) as caught:
        repository.push("http://user:hunter2@127.0.0.1:1/x.git")
    assert "hunter2" not in str(caught.value)
