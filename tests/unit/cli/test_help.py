"""``--help`` teaches: every command has examples that the parser takes, and says what each word is."""

import shlex

import pytest

from command_line import commands
from ringfence.cli.examples import EXAMPLES
from ringfence.cli.main import run

COMMANDS = commands()


def typed(line: str) -> list[str]:
    """The words that the shell would hand over: up to a pipe or a redirection."""
    words = shlex.split(line, comments=True)
    ends = [words.index(each) for each in ("|", ">") if each in words]
    return words[1 : min(ends)] if ends else words[1:]


def test_every_command_has_examples_and_every_example_a_command() -> None:
    assert sorted(COMMANDS) == sorted(EXAMPLES)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_parser_takes_every_example(name: str) -> None:
    for example in EXAMPLES[name]:
        words = typed(example.line)
        assert words[: len(name.split())] == name.split()
        command = COMMANDS[name]
        with command.make_context(name, words[len(name.split()) :]) as context:
            for parameter in command.params:
                assert parameter.name in context.params


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_says_what_each_word_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    nameless = [each.name for each in COMMANDS[name].params if not each.help]
    assert nameless == []
    assert run(["help", *name.split()]) == 0
    text = capsys.readouterr().out
    assert "<" not in text
    assert "{" not in text
    assert "Examples:" in text
    assert all(f"  {example.line}\n" in text for example in EXAMPLES[name])


def test_the_usage_line_names_options_that_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["promote", "--help"]) == 0
    assert "Usage: ringfence promote [OPTIONS] DEPLOYMENT --to STAGE\n" in capsys.readouterr().out


def test_brackets_within_a_word_stay(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["can", "access", "--help"]) == 0
    assert "[OPTIONS] [VERB RESOURCE[/NAME]]\n" in capsys.readouterr().out
    assert run(["can", "land", "--help"]) == 0
    assert "[OPTIONS] [POD.yaml NODE]\n" in capsys.readouterr().out


def test_one_context_is_named_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", "--help"]) == 0
    assert "--context CONTEXT " in capsys.readouterr().out


def test_descriptions_of_subcommands_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ("can", "hold", "order", "update", "evidence"):
        assert run([group, "--help"]) == 0
        assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kubectl"], "ringfence: missing argument 'CLUSTER'\n  for example: ringfence kubectl production-1 -f clinic"),
        (
            ["promote", "portal/local"],
            "missing option '--to'\n  for example: ringfence promote portal/local",
        ),
        (["plan", "--explian"], "no such option: --explian; did you mean --explain?"),
        (["plan", "a", "b"], "ringfence: b: no such word is expected here"),
        (["plan", "-o", "jsn"], "ringfence: -o / --output: 'jsn' is not one of 'table'"),
        (["plan", "-f", "clinic"], "no such option: -f; the Landscape is named without one"),
        (["can", "conect"], "no such command 'conect'; did you mean 'connect'?"),
    ],
)
def test_a_usage_error_shows_how_it_is_written(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "--help" in captured.err
