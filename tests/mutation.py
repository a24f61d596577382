"""Mutation testing of what decides and of what proves: a sample that is drawn by a seed, and who survived it.

Why: a test that cannot fail says nothing. mutmut changes one operator, argument or constant at a time and runs the fast
tests that reach the changed function; who survives them meets the property tests of its package, which are slower.
What still survives is printed with its line, for somebody to judge: equivalent, wording only, or a hole in the tests.

A run over every mutant (some 28,000) would take a night; a sample of each package takes minutes and finds the same
kinds of holes, and another seed draws another sample. Changes of wording are not drawn: literals with a space in them,
and literals that differ in case only. mutmut leaves decorated functions and module constants alone; so does this.

    python tests/mutation.py [--seed 1] [--sample 30] [--children 2] [--fast] [PACKAGE ...]
"""

import argparse
import ast
import difflib
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "mutants"
RESULT = ROOT / "build" / "mutation.json"
PACKAGES = (
    "decide",
    "prove/admission",
    "prove/asking",
    "prove/catalogue.py",
    "prove/cel",
    "prove/closure",
    "prove/credentials",
    "prove/facts",
    "prove/memory.py",
    "prove/network",
    "prove/performance",
    "prove/platform",
    "prove/rbac",
    "prove/rules",
    "prove/scheduling",
    "prove/validity.py",
    "prove/verdicts",
)
PROPERTIES = {
    "decide": "tests/property/decide",
    "prove/cel": "tests/property/test_cel_oracle.py",
    "prove/closure": "tests/property/test_closure_oracle.py",
    "prove/facts": "tests/property/test_prover.py",
    "prove/memory.py": "tests/property/test_prover.py",
    "prove/network": "tests/property/test_network_oracle.py",
    "prove/rbac": "tests/property/test_closure_oracle.py",
    "prove/rules": "tests/property/test_closure_oracle.py",
    "prove/scheduling": "tests/property/test_cel_oracle.py",
    "prove/validity.py": "tests/property/test_hostile_objects.py",
}
PROPERTY_SECONDS = 240
LIVES = (0, 33)  # mutmut's codes: every test passed, no test reaches it; all else is a failure, a crash or a time limit

Status = Literal["killed", "survived"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one function: where it is, what it does, and whether a test noticed."""

    name: str
    package: str
    place: str
    change: tuple[str, ...]
    status: Status = "survived"


def main() -> int:
    """Draw, run, print; 0 whatever survives: what it means is for people to judge."""
    asked = _arguments()
    _mutmut(asked.children, [_any_mutant()])
    drawn = [
        mutant
        for package in asked.packages
        for mutant in _sample(list(_mutants(package)), asked.sample, f"{asked.seed} {package}")
    ]
    _mutmut(asked.children, [mutant.name for mutant in drawn])
    met = list(_after_fast_tests(drawn))
    if not asked.fast:
        met = [_after_properties(mutant) for mutant in met]
    _write(met, asked)
    _print(met)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mutation testing of a sample.")
    parser.add_argument("packages", nargs="*", default=list(PACKAGES), help="such as prove/cel, prove/memory.py")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws another sample")
    parser.add_argument("--sample", type=int, default=30, help="mutants of each package")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--fast", action="store_true", help="leave the property tests out")
    return parser.parse_args()


def _any_mutant() -> str:
    """The name of one mutant: mutmut makes them all before it runs those it is asked for."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    path = ROOT / "src" / "ringfence" / "decide" / "units.py"
    first = mutate_file_contents(str(path), path.read_text(encoding="utf-8")).mutant_names[0]
    return f"ringfence.decide.units.{first}"


def _mutmut(children: int, names: list[str]) -> None:
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(children), *names]
    log = RESULT.with_suffix(".log")
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut failed ({done.returncode}); what it said is in {log}")


def _mutants(package: str) -> Iterator[Mutant]:
    """Every mutant of a package, or of one module, that changes more than wording."""
    place = ROOT / "src" / "ringfence" / package
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        inside = path.relative_to(ROOT)
        made = MUTANTS / inside
        known = json.loads(made.with_name(f"{made.name}.meta").read_text(encoding="utf-8"))["exit_code_by_key"]
        if not known:
            continue
        bodies = _functions(ast.parse(made.read_text(encoding="utf-8")))
        lines = path.read_text(encoding="utf-8").splitlines()
        for name in known:
            short = name.rpartition(".")[2]
            original = bodies[f"{short.rpartition('__mutmut_')[0]}__mutmut_orig"]
            change = _change(original, bodies[short])
            if not _wording(original, bodies[short]):
                yield Mutant(name, package, f"{inside}:{_line(lines, short, change)}", change)


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {
        node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }


def _change(original: ast.FunctionDef, mutant: ast.FunctionDef) -> tuple[str, ...]:
    """The lines that differ, as -was and +is."""
    before, after = (ast.unparse(node).splitlines()[1:] for node in (original, mutant))
    found = difflib.unified_diff(before, after, n=0, lineterm="")
    return tuple(f"{line[0]} {line[1:].strip()}" for line in found if line[:2] not in ("--", "++", "@@"))


def _wording(original: ast.FunctionDef, mutant: ast.FunctionDef) -> bool:
    """Whether only text for people, or only the case of a literal, was changed."""
    before, after = (
        [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        for tree in (original, mutant)
    )
    if len(before) != len(after):
        return False
    different = [(was, now) for was, now in zip(before, after, strict=True) if was != now]
    return any(" " in was or was.lower() == now.lower() for was, now in different)


def _line(lines: list[str], short: str, change: tuple[str, ...]) -> int:
    """The line of the source that was changed; the line of the function where the formatter broke it apart."""
    owner, _, function = short.rpartition("__mutmut_")[0].replace("x_", "", 1).rpartition("ǁ")
    owner = owner.rpartition("ǁ")[2]
    top = next((at for at, line in enumerate(lines) if owner and line.startswith(f"class {owner}")), 0)
    start = next((at for at in range(top, len(lines)) if lines[at].strip().startswith(f"def {function}(")), top)
    wanted = change[0][2:].replace("'", '"') if change else ""
    return next((at for at in range(start, len(lines)) if lines[at].strip() == wanted), start) + 1


def _sample(mutants: list[Mutant], wanted: int, seed: str) -> list[Mutant]:
    """At most so many mutants; the same ones for the same source and seed."""
    return sorted(random.Random(seed).sample(mutants, min(wanted, len(mutants))), key=lambda mutant: mutant.place)


def _after_fast_tests(drawn: list[Mutant]) -> Iterator[Mutant]:
    for mutant in drawn:
        module = mutant.name.rpartition(".")[0].replace(".", "/")
        known = json.loads((MUTANTS / "src" / f"{module}.py.meta").read_text(encoding="utf-8"))["exit_code_by_key"]
        yield replace(mutant, status="survived" if known[mutant.name] in LIVES else "killed")


def _after_properties(mutant: Mutant) -> Mutant:
    """The mutant after the property tests of its package, where it has any and the fast tests let it live."""
    tests = PROPERTIES.get(mutant.package)
    if mutant.status == "killed" or tests is None or not _pass(tests, ""):
        return mutant
    return replace(mutant, status="survived" if _pass(tests, mutant.name) else "killed")


@cache
def _pass(tests: str, mutant: str) -> bool:
    """Whether property tests pass with a mutant, or none; those that take too long have noticed nothing."""
    environment = {**os.environ, "MUTANT_UNDER_TEST": mutant, "PYTHONPATH": str(MUTANTS / "src")}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not soak"]
    command += ["--hypothesis-seed=1", tests]
    try:
        done = subprocess.run(
            command, cwd=MUTANTS, env=environment, capture_output=True, timeout=PROPERTY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return bool(mutant)
    return done.returncode == 0


def _write(met: list[Mutant], asked: argparse.Namespace) -> None:
    document = {"seed": asked.seed, "sample": asked.sample, "mutants": [asdict(mutant) for mutant in met]}
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _print(met: list[Mutant]) -> None:
    for mutant in met:
        if mutant.status == "survived":
            print(mutant.place, mutant.name.rpartition(".")[2], *mutant.change, sep="\n    ")
    counts = Counter((mutant.package, mutant.status) for mutant in met)
    print(f"{'package':<20} {'made':>6} {'killed':>6} {'survived':>8}")
    for package in dict.fromkeys(mutant.package for mutant in met):
        killed, survived = counts[package, "killed"], counts[package, "survived"]
        print(f"{package:<20} {killed + survived:>6} {killed:>6} {survived:>8}")
    print(f"every mutant and its fate: {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    raise SystemExit(main())
