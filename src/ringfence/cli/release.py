"""``ringfence release``: make an immutable release of an application."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.cli.arguments import HERE, Actor, DryRun, LandscapeOption, Output
from ringfence.cli.output import Format, print_data, say
from ringfence.cli.promotion import workspace


def command(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application.")],
    version: Annotated[str, typer.Argument(help="A version of your own, such as 1.4.0; used once.")],
    file: LandscapeOption = HERE,
    revision: Annotated[str | None, typer.Option(help="The Git revision of the source; default: HEAD.")] = None,
    dirty: Annotated[bool, typer.Option("--dirty", help="Take the files as they are, without a revision.")] = False,
    allow_tags: Annotated[
        bool, typer.Option("--allow-tags", help="Accept images that are named by a tag and may change.")
    ] = False,
    pin: Annotated[
        list[str] | None, typer.Option("--pin", metavar="IMAGE=DIGEST", help="The digest of an image named by a tag.")
    ] = None,
    resolve: Annotated[bool, typer.Option("--resolve", help="Ask registries which digests tags mean now.")] = False,
    values: Annotated[Path | None, typer.Option(help="A YAML file of values that go over the chart's own.")] = None,
    actor: Actor = None,
    output: Output = Format.TABLE,
    dry_run: DryRun = False,
) -> None:
    """Make an immutable release of an application from its source at a Git revision.

    The release is addressed by its content: the same chart, values and images are the same release. It stands at
    APP/local; `ringfence promote APP/local --to development` brings it in.
    """
    from ringfence.flows.release import Choices, release

    choices = Choices(revision, dirty, allow_tags, _pins(pin or []), resolve, _values(values), dry_run)
    made = release(workspace(file, actor), application, version, choices)
    for note in made.notes:
        say(f"note: {note}")
    if not print_data(made.to_json(), output):
        verb = "would be made" if dry_run else "made" if made.new else "is there already"
        sys.stdout.write(f"{application} {version} {verb}: {made.release.digest}\n")
        if made.place:
            sys.stdout.write(f"it stands at {made.place}\n")


def _pins(texts: list[str]) -> dict[str, str]:
    from ringfence.base.errors import UsageError

    found = {}
    for text in texts:
        image, separator, digest = text.rpartition("=")
        if not separator or not image:
            raise UsageError(f"--pin {text}: this must be IMAGE=sha256:...", reason="BadPin")
        found[image] = digest
    return found


def _values(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    from ringfence.base.document import decode
    from ringfence.base.errors import InputError

    try:
        found = yaml.safe_load(decode(path.read_bytes(), str(path)))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML") from error
    if found is not None and not isinstance(found, dict):
        raise InputError(f"{path}: not a mapping of values")
    return dict(found or {})
