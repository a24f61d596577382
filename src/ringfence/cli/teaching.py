"""``--help`` as people know it from kubectl and git: metavariables in capitals, whole sentences, examples.

The parser's own way was rejected: it names types (``<list[str]>``) where a reader wants to know what to write, leaves
required options out of the usage line, and cuts the descriptions of subcommands short.
"""

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringfence.cli.examples import Example

_METAVARS = {
    "--as": "WHO", "--as-group": "GROUP", "--because": "TEXT", "--release": "VERSION", "--timeout": "SECONDS",
    "--context": "CLUSTER=CONTEXT", "--argocd": "ENVIRONMENT=NAMESPACE", "--repository": "ENVIRONMENT=URL",
    "--limit": "N", "--last": "N", "--days": "N", "--record-days": "N", "--merged": "FILE", "--from": "PATH",
    "--port": "PORT/PROTOCOL", "--freeze": "FIRST/LAST[=REASON]", "--finished": "TIME", "--command": "WORD",
    "--sign-with": "WORD", "--also-off": "DATE", "--class": "NAME", "--webhook": "URL",
    "--environment": "ENVIRONMENT", "--remote": "NAME",
}  # fmt: skip
"""What stands for the value of an option where its name and type do not say it."""

_EXTRA = re.compile(r"Got unexpected extra argument(?:\(s\)|s)? \((.*)\)")
_POSSIBLE = re.compile(r" \(Possible options: (\S*?)(?:,.*)?\)")


def teach(command: Any, name: str) -> Any:
    """Dress ``command``, whose words are ``name``, and all below it for ``--help``; hands the command back."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            _dress_argument(parameter)
        elif parameter.metavar is None and not parameter.is_flag:
            parameter.metavar = _metavar(parameter)
    command.format_epilog = lambda _, formatter: _write_examples(formatter, _examples(name))
    if hasattr(command, "commands"):
        command.format_commands = lambda _, formatter: _write_commands(formatter, command.commands)
        for word, below in command.commands.items():
            teach(below, f"{name} {word}")
    else:
        command.collect_usage_pieces = lambda ctx: _usage(command, ctx)
    return command


def example_for(command_path: str) -> "Example | None":
    """The first example of the command that a user began to type, such as ``ringfence can connect``."""
    examples = _examples(command_path.removeprefix("ringfence "))
    return examples[0] if examples else None


def _examples(name: str) -> "tuple[Example, ...]":
    """Read only when somebody asks: a command that is understood needs none."""
    from ringfence.cli.examples import EXAMPLES

    return EXAMPLES.get(name, ())


def complaint(error: Any) -> str:
    """What a usage error of the parser says, in the words of every other error: lower case, no full stop."""
    words = str(error.format_message()).rstrip(".")
    extra = _EXTRA.match(words)
    if extra:
        return f"{extra[1]}: no such word is expected here"
    if words.startswith("Invalid value for "):
        place, _, reason = words.removeprefix("Invalid value for ").partition(": ")
        return f"{place.replace(chr(39), '')}: {reason}"
    if words in {"No such option: -f", "No such option: --file"}:
        words += "; the Landscape is named without one, as the last word"
    words = _POSSIBLE.sub(r"; did you mean \1?", words).replace(". Did you mean ", "; did you mean ")
    return words[:1].lower() + words[1:]


def _dress_argument(argument: Any) -> None:
    words = _unwrapped(argument.metavar or argument.name)
    shown = words.rstrip(".").replace("_", "-").upper()
    if argument.metavar is not None and words != words.upper():
        shown = words  # Such as POD.yaml: somebody chose the case.
    many = "..." if argument.nargs != 1 and " " not in shown else ""
    argument.metavar = shown
    argument.display_type_rich = lambda ctx: None
    argument.get_usage_pieces = lambda ctx: [shown + many if argument.required else f"[{shown}{many}]"]


def _unwrapped(words: str) -> str:
    """Without the brackets that the parser puts around all of it; ``RESOURCE[/NAME]`` keeps its own."""
    words = words.removesuffix("...")
    whole = words.startswith("[") and words.endswith("]") and words.index("]") == len(words) - 1
    return words[1:-1] if whole else words


def _metavar(option: Any) -> str | None:
    longest = max(option.opts, key=len)
    if longest in _METAVARS:
        return _METAVARS[longest]
    if option.type_descriptor.is_choice:
        return "|".join(str(choice.value) for choice in option.type_descriptor.choices)
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Path):
        return "FOLDER" if "folder" in (option.help or "").lower() and longest == "--output" else "FILE"
    return str(longest).lstrip("-").replace("-", "_").upper()


def _usage(command: Any, ctx: Any) -> list[str]:
    """What stands after the command's name: options, then arguments, then the options that must be given."""
    needed = [each for each in command.params if each.param_type_name == "option" and each.required]
    arguments = [piece for each in command.get_params(ctx) for piece in each.get_usage_pieces(ctx)]
    return ["[OPTIONS]", *arguments, *(f"{max(each.opts, key=len)} {each.display_type_rich(ctx)}" for each in needed)]


def _write_commands(formatter: Any, commands: Any) -> None:
    rows = [(word, _first_paragraph(below.help or "")) for word, below in commands.items() if not below.hidden]
    with formatter.section("Commands"):
        formatter.write_dl(rows)


def _first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())


def _write_examples(formatter: Any, examples: "tuple[Example, ...]") -> None:
    if not examples:
        return
    with formatter.section("Examples"):
        for example in examples:
            # Written as it is: a wrapped line could not be copied.
            formatter.write(f"  {example.line}\n      {example.purpose}\n")
