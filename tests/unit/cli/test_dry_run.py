"""Every command that changes something can say what it would do without doing it."""

from pathlib import Path

import pytest

from command_line import commands
from promotion_world import Site, make_site
from ringfence.base.paths import Paths
from ringfence.cli.main import run

LOOKING = {
    "plan", "regulations", "diff", "status", "kubectl", "kubeconfig", "prove", "can connect", "can access", "can land",
    "snapshot", "history", "loops", "hold list", "order list", "order show", "update due", "update status",
    "update key", "evidence verify", "evidence export", "evidence list", "info", "render", "explain", "serve",
}  # fmt: skip
"""Commands that change nothing but the file that they are told to write."""


def test_every_mutation_has_a_dry_run() -> None:
    without = [
        name
        for name, command in commands().items()
        if name not in LOOKING and not any("--dry-run" in parameter.opts for parameter in command.params)
    ]
    assert without == []


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = make_site(tmp_path)
    made.release("1.0.0")
    made.climb("portal/local", "development")
    monkeypatch.setattr(Paths, "from_environment", classmethod(lambda _: made.paths))
    return made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hold", "set", "portal/development", "--because", "slow"], "would be held at portal/development: slow"),
        (["reject", "portal", "1.0.0", "--because", "wrong"], "would be rejected for good: wrong"),
        (["approve", "portal/development", "--to", "testing", "--as", "carol"], "would say carol"),
    ],
)
def test_a_word_about_a_release_in_a_dry_run(
    site: Site, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.workspace().state("portal")
    assert run([*words, "--dry-run", "-f", str(site.landscape_file)]) == 0
    assert said in capsys.readouterr().out
    assert site.workspace().state("portal") == before


def test_a_dry_run_is_refused_like_the_real_one(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["hold", "lift", "portal", "1.0.0", "--because", "done", "--dry-run", "-f", str(site.landscape_file)]
    assert run(words) == 2
    assert "is not held" in capsys.readouterr().err
