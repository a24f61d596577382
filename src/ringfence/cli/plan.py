"""``ringfence plan``: decide how many Environments, and where each deployment lives."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ringfence.base.errors import ExitCode
from ringfence.cli.output import Format


def command(
    file: Annotated[Path, typer.Argument(help="The Landscape, or its folder.")] = Path("ringfence.yaml"),
    explain: Annotated[bool, typer.Option("--explain", help="Say why, with clauses, and what each costs.")] = False,
    output: Annotated[Format, typer.Option("-o", "--output", help="How to print.")] = Format.TABLE,
) -> None:
    """Decide how many Environments, and where each deployment lives.

    The answer is the cheapest that meets every requirement, and says whether that is proved. Exit code 1 means that the
    requirements cannot all be met; the answer then names the fewest that clash.
    """
    from ringfence.decide.topology import Status
    from ringfence.flows.plan import decide
    from ringfence.landscape.load import load_landscape

    landscape = load_landscape(file)
    people = output in {Format.TABLE, Format.WIDE}
    decision = decide(landscape, price_requirements=explain or not people)
    _print(decision.topology, [each.name for each in landscape.deployments], output)
    if people and explain and decision.problem is not None:
        from ringfence.cli.plan_text import section_lines
        from ringfence.decide.explain import explain as reasons

        sections = reasons(landscape, decision.requirements, decision.problem, decision.topology)
        sys.stdout.write("\n".join(section_lines(sections)) + "\n")
    if decision.topology.status is Status.INFEASIBLE:
        raise typer.Exit(ExitCode.FOUND)


def _print(topology: object, order: list[str], output: Format) -> None:
    from ringfence.cli.plan_text import topology_lines
    from ringfence.decide.topology import Topology
    from ringfence.decide.topology_json import to_json, to_text

    assert isinstance(topology, Topology)
    if output is Format.JSON:
        sys.stdout.write(to_text(topology))
    elif output is Format.YAML:
        from ringfence.cli.output import print_yaml

        print_yaml(to_json(topology))
    else:
        sys.stdout.write("\n".join(topology_lines(topology, order, wide=output is Format.WIDE)) + "\n")
