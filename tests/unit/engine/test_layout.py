import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from ringfence.base.errors import StateError
from ringfence.engine import layout
from ringfence.engine.binaries import Binaries
from ringfence.engine.layout import argocd_environment, check_space, cluster_environment, log_of, remove

_Usage = namedtuple("_Usage", "total used free")


def test_programs_see_nothing_of_the_shell_that_is_not_theirs(tmp_path: Path) -> None:
    shell = {"PATH": "/bin", "HOME": "/h", "KUBECONFIG": "/k", "AWS_SECRET_ACCESS_KEY": "s", "HTTPS_PROXY": "http://p"}
    assert cluster_environment(shell) == {"PATH": "/bin", "HOME": "/h", "HTTPS_PROXY": "http://p"}
    argocd = argocd_environment(shell, Binaries(tmp_path / "engine"), tmp_path / "argocd")
    assert not {"KUBECONFIG", "AWS_SECRET_ACCESS_KEY"} & set(argocd)
    assert argocd["PATH"] == f"{tmp_path / 'engine' / 'bin'}:/bin"
    assert argocd["HOME"] == str(tmp_path / "argocd" / "home")


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(StateError) as error:
        check_space(tmp_path)
    assert error.value.reason == "NoSpace"
    assert "1 MB left" in str(error.value)


def test_everything_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    folder = tmp_path / "folder"
    closed = folder / "a" / "closed"
    closed.mkdir(parents=True)
    (closed / "file").write_text("")
    closed.chmod(0o300)  # as Argo CD leaves its clones: not to be listed
    (folder / "link").symlink_to(outside)
    remove(folder)
    assert not folder.exists()
    assert (outside / "kept").exists()


def test_a_log_is_beside_what_it_is_about(tmp_path: Path) -> None:
    assert log_of(tmp_path / "c") == tmp_path / "c" / "log" / "c.log"
    assert layout.Layout(tmp_path).repositories("e") == tmp_path / "e" / "git"
