"""What a person gets wrong is said as such, with what would be right; nothing is silently empty or done."""

from pathlib import Path

import pytest

from promotion_world import ROOT, Site, make_site
from ringfence.base.paths import Paths
from ringfence.cli.main import run

SHOP = f"prod={ROOT / 'examples/shop/cluster'}"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = make_site(tmp_path)
    monkeypatch.setattr(Paths, "from_environment", classmethod(lambda _: made.paths))
    return made


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["can", "access", "get", "secrets", "--snapshot", SHOP], "who is it that asks?"),
        (["can", "connect", "a/b", "a/c", "--port", "70000/TCP", "--snapshot", SHOP], "--port 70000/TCP: no such port"),
        (["can", "connect", "a/b", "a/c", "--port", "80/HTTP", "--snapshot", SHOP], "--port 80/HTTP: no such port"),
        (["init", __file__], "is a file"),
        (["update", "plan", "--bundle", "nowhere.yaml"], "hint: name a file that exists\n"),
        (["plan", "nowhere.yaml"], "or run `ringfence init` to write one"),
    ],
)
def test_a_slip_is_named(words: list[str], said: str, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    if words[0] == "update":
        words = [*words, str(site.landscape_file)]
    assert run(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_stopping_what_never_ran_is_done_and_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["down", "clinc"]) == 0
    assert capsys.readouterr().err == "clinc: nothing of a landscape of that name is kept here\n"
    assert run(["down", str(site.landscape_file)]) == 0
    assert capsys.readouterr().err.endswith(": nothing runs here\n")


def test_an_unknown_event_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "--event", "promotd", "-f", str(site.landscape_file)]) == 2
    assert "did you mean 'promoted'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["history"], "nothing has happened yet"),
        (["loops"], "no change has been promoted yet"),
        (["hold", "list"], "nothing is held"),
        (["order", "list"], "nothing is ordered; "),
    ],
)
def test_an_empty_answer_says_so(words: list[str], said: str, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "-f", str(site.landscape_file)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_a_refusal_at_one_place_names_it_once(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demote", "portal/staging", "--because", "slow", "-f", str(site.landscape_file)]) == 1
    assert capsys.readouterr().out.startswith("refused: portal/staging\n  no release stands at portal/staging\n")


def test_an_empty_home_is_none() -> None:
    assert Paths.from_environment({"HOME": ""}) == Paths.from_environment({})


def test_plain_text_is_no_snapshot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("just some words\n")
    words = [
        "prove",
        "--partition",
        str(ROOT / "examples/shop/partition.yaml"),
        "--snapshot",
        f"prod={tmp_path / 'notes'}",
    ]
    assert run(words) == 2
    assert "this is plain text, and no Kubernetes object" in capsys.readouterr().err


def test_another_file_of_the_same_name_is_noted(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ringfence.flows.origin import other_origin, remember_origin
    from ringfence.landscape.load import load_landscape

    name = load_landscape(site.landscape_file).name
    assert other_origin(site.paths, name, site.landscape_file) is None
    remember_origin(site.paths, name, site.landscape_file)
    assert other_origin(site.paths, name, site.landscape_file.parent) is None
    copy = tmp_path / "copy" / "ringfence.yaml"
    copy.parent.mkdir()
    copy.write_text(site.landscape_file.read_text())
    run(["diff", str(copy)])
    assert f"was last built from {site.landscape_file.resolve()}" in capsys.readouterr().err
    site.landscape_file.unlink()
    assert other_origin(site.paths, name, copy) is None
