"""Every outcome of a command is an exit code and a sentence, never a traceback."""

import pytest

from ringfence import __version__
from ringfence.cli.main import run


def test_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"ringfence {__version__}\n"


def test_offers_the_nearest_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plam"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "did you mean 'plan'?" in captured.err


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--colour"]) == 2
    assert "no such option" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "resumed"), [("up", True), ("plan", False)])
def test_an_interrupt_says_what_it_means(
    verb: str, resumed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ringfence.landscape.load.load_landscape", interrupted)
    assert run([verb, "anything"]) == 130
    said = capsys.readouterr().err
    assert "ringfence: interrupted\n" in said
    assert ("goes on from there" in said) is resumed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["history", "-n", "0"], "0 is not at least 1"),
        (["history", "-n", "many"], "'many' is not a valid integer"),
        (["promote", "portal/local", "--to", "development", "--timeout", "nan"], "nan is not at least 1"),
    ],
)
def test_numbers_are_bounded_without_a_validation_library(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert said in capsys.readouterr().err
