"""The ``ringfence`` command: finds the verb, runs it, and turns every outcome into an exit code.

Verbs are loaded when they are called, from the table below: ``--help`` and ``plan`` must not pay for a Kubernetes
client. Importing every verb at start was rejected: it took longer than planning the clinic.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from ringfence.base.errors import ExitCode, RingfenceError
from ringfence.cli.coercion import lighten
from ringfence.cli.teaching import complaint, example_for, teach
from ringfence.cli.verbs import VERBS, Verb


def _load(verb: Verb) -> Any:
    """The command object of a verb. A module's ``app`` (typer.Typer) is a group of verbs, its ``command`` one verb."""
    module = import_module(f"ringfence.cli.{verb.module}")
    target = getattr(module, verb.attribute)
    if isinstance(target, typer.Typer):
        group = typer.main.get_command(target)
        group.name = verb.name
        return teach(lighten(group), verb.name)
    wrapper = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    wrapper.command(verb.name, help=target.__doc__ or verb.help)(target)
    return teach(lighten(typer.main.get_command(wrapper)), verb.name)


class _Verbs(TyperGroup):
    """A group whose commands come from the table and are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs, in the order of the main job."""
        return [verb.name for verb in VERBS if not verb.hidden]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        verb = _BY_NAME.get(cmd_name)
        return None if verb is None else _load(verb)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of verbs for ``--help``, from the table alone."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for verb in VERBS:
            if not verb.hidden:
                sections.setdefault(verb.section, []).append((verb.name, verb.help))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base class does, with the nearest verb offered when there is none of that name."""
        if args and args[0] not in _BY_NAME and not args[0].startswith("-"):
            from ringfence.base.errors import UsageError
            from ringfence.base.text import suggestion

            hint = suggestion(args[0], [verb.name for verb in VERBS if not verb.hidden])
            raise UsageError(
                f"{args[0]!r} is not a ringfence command; {hint}".rstrip("; "),
                reason="UnknownCommand",
                hint="ringfence --help lists all commands",
            )
        return super().resolve_command(ctx, args)


_RESUMED = frozenset({"up", "apply", "promote", "demote", "rollback", "order", "update"})
"""Verbs whose work goes on from where it was interrupted."""

_BY_NAME: Mapping[str, Verb] = {verb.name: verb for verb in VERBS}


def _print_version(value: bool) -> None:
    if value:
        from ringfence import __version__

        sys.stdout.write(f"ringfence {__version__}\n")
        raise typer.Exit


app = typer.Typer(
    cls=_Verbs,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`ringfence COMMAND --help` says more, with examples.",
)


@app.callback()
def ringfence(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """How many environments you need, where each deployment lives, and whether the separation holds.

    Everything starts from one file: `ringfence init` writes a small one, `ringfence plan` decides, `ringfence up` and
    `ringfence apply` build it, `ringfence prove` shows that nothing in testing reaches production, or how it does.
    """


def _report(error: RingfenceError) -> None:
    sys.stderr.write(f"ringfence: {error}\n")
    if error.hint:
        sys.stderr.write(f"  hint: {error.hint}\n")


def run(arguments: list[str]) -> int:
    """Run one command line (without the program's name) and return its exit code; prints, never raises."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    command = cast(TyperCommand, lighten(typer.main.get_command(app)))
    try:
        outcome = command.main(args=arguments, prog_name="ringfence", standalone_mode=False)
    except RingfenceError as error:
        _report(error)
        return int(error.exit_code)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(arguments)
    except BrokenPipeError:
        return _unread()
    except SystemExit as stop:
        # The parser's own way with a broken pipe: exit 1, which here would say that something was found.
        return _unread() if isinstance(stop.__context__, BrokenPipeError) else int(stop.code or 0)
    except Exception as error:
        return _unexpected(error)
    if outcome == ExitCode.INTERRUPTED:
        # The parser turns Ctrl-C into an outcome of its own.
        return _interrupted(arguments)
    return outcome if isinstance(outcome, int) else int(ExitCode.OK)


def _interrupted(arguments: list[str]) -> int:
    """Say so, and for a command that changes something what that means."""
    sys.stderr.write("ringfence: interrupted\n")
    if arguments and arguments[0] in _RESUMED and "--dry-run" not in arguments:
        sys.stderr.write("  hint: what was done stays; the same command, run again, goes on from there\n")
    return int(ExitCode.INTERRUPTED)


def _unread() -> int:
    """The reader went away (``| head``): nothing is wrong, and nothing more can be said."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
    return int(ExitCode.OK)


def _unexpected(error: Exception) -> int:
    """Usage errors of the parser and system errors as sentences; anything else as a defect, without a traceback."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error}\n")
        return int(ExitCode.FAILED)
    if hasattr(error, "format_message"):
        return _misused(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        if error.errno == errno.ENOSPC and not place:
            place = "standard output: "
        sys.stderr.write(f"ringfence: {place}{error.strerror or error}\n")
        return int(ExitCode.FAILED)
    if isinstance(error, MemoryError):
        sys.stderr.write("ringfence: not enough memory for this input\n")
        return int(ExitCode.FAILED)
    if os.environ.get("RINGFENCE_TRACEBACK"):
        raise error
    sys.stderr.write(
        f"ringfence: a defect in ringfence ({type(error).__name__}); nothing of the input is shown here\n"
        "  hint: run the same command with RINGFENCE_TRACEBACK=1 and report what it prints\n"
    )
    return int(ExitCode.FAILED)


def _misused(error: Any) -> int:
    """What the parser did not understand, with an example of how the command is called."""
    sys.stderr.write(f"ringfence: {complaint(error)}\n")
    context = getattr(error, "ctx", None)
    path = "ringfence" if context is None else context.command_path
    example = example_for(path)
    if example is not None:
        sys.stderr.write(f"  for example: {example.line}\n")
    sys.stderr.write(f"  hint: {path} --help\n")
    return int(ExitCode.FAILED)


def main() -> None:
    """The program's entry."""
    from ringfence.cli.streams import prepare

    prepare()
    sys.exit(run(sys.argv[1:]))
