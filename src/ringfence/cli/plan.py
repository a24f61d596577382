"""``ringfence plan``: decide how many Environments, and where each deployment lives."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.base.errors import ExitCode, UsageError
from ringfence.cli.arguments import HERE, File
from ringfence.cli.output import Format, print_data, print_yaml, say

if TYPE_CHECKING:
    from ringfence.flows.plan import Decision
    from ringfence.landscape.model import Landscape


class PlanFormat(StrEnum):
    """How a plan is printed: as every value, or the frontier as a picture."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    SVG = "svg"


def command(
    file: File = HERE,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, with clauses, and what each costs.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Keep the answer in topology.yaml beside the file.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ignore topology.yaml: start anew.")] = False,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="Show price against waiting against blast radius instead.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --write: write nothing.")] = False,
    output: Annotated[
        PlanFormat, typer.Option("-o", "--output", help="How to print; svg draws the frontier.")
    ] = PlanFormat.TABLE,
) -> None:
    """Decide how many Environments, and where each deployment lives.

    The answer is the cheapest that meets every requirement, and says whether that is proved. Where a topology.yaml
    stands beside the file, the answer starts from it and moves nothing that need not move. Exit code 1 means that the
    requirements cannot all be met; the answer then names the fewest that clash.
    """
    from ringfence.decide.topology import Status
    from ringfence.flows import plan as planning
    from ringfence.landscape.load import load_landscape

    landscape = load_landscape(file)
    if frontier or output is PlanFormat.SVG:
        _print_frontier(landscape, output, asked=frontier)
        return
    people = output in {PlanFormat.TABLE, PlanFormat.WIDE}
    decision = planning.decide(
        landscape,
        standing=None if fresh else planning.standing(landscape),
        price_requirements=explain or not people,
    )
    _print(landscape, decision, output)
    if people:
        _say_why(landscape, decision, explain=explain)
    if decision.topology.status is Status.INFEASIBLE:
        raise typer.Exit(ExitCode.FOUND)
    if write:
        path = planning.topology_path(landscape) if dry_run else planning.write(landscape, decision.topology)
        say(f"{'would write' if dry_run else 'wrote'} {path}")


def _print(landscape: "Landscape", decision: "Decision", output: PlanFormat) -> None:
    from ringfence.cli.plan_text import topology_lines
    from ringfence.decide.topology_json import to_json, to_text

    topology = decision.topology
    if output is PlanFormat.JSON:
        sys.stdout.write(to_text(topology))
    elif output is PlanFormat.YAML:
        print_yaml(to_json(topology))
    else:
        living = decision.fresh_price is not None and topology.price > decision.fresh_price
        order = [each.name for each in landscape.deployments]
        lines = topology_lines(topology, order, wide=output is PlanFormat.WIDE, living=living)
        sys.stdout.write("\n".join(lines) + "\n")


def _print_frontier(landscape: "Landscape", output: PlanFormat, *, asked: bool) -> None:
    from ringfence.cli import frontier_text
    from ringfence.decide.frontier import frontier

    if not asked:
        raise UsageError("-o svg draws the frontier only", hint="ringfence plan FILE --frontier -o svg")
    choices = frontier(landscape)
    if output is PlanFormat.SVG:
        sys.stdout.write(frontier_text.svg(landscape.name, choices))
    elif not print_data(frontier_text.to_json(landscape.name, choices), Format(output.value)):
        sys.stdout.write("\n".join(frontier_text.lines(landscape.name, choices)) + "\n")


def _say_why(landscape: "Landscape", decision: "Decision", *, explain: bool) -> None:
    from ringfence.cli.plan_text import move_lines, section_lines
    from ringfence.decide.explain import explain as reasons

    lines = list(move_lines(decision)) if decision.standing is not None else []
    if explain and decision.problem is not None:
        sections = reasons(landscape, decision.requirements, decision.problem, decision.topology)
        lines += section_lines(sections)
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
