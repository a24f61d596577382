"""The whole job on the clinic, each step a command that you could have typed.

It works on a copy of this folder in ``build/demo/clinic`` with a Git history of its own, so that the change it makes
and promotes never touches your checkout. Run it as often as you like; it starts from what it finds.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parents[1] / "build" / "demo" / "clinic"
PROGRAMS = Path(sys.executable).parent
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class StepFailedError(Exception):
    """A step did not end as the demo promises."""


@dataclass
class Demo:
    """Runs commands, shows them as they would be typed, and remembers what to say at the end."""

    started: float = field(default_factory=time.monotonic)
    said: list[str] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """Print a heading."""
        elapsed = time.monotonic() - self.started
        line = f"── {title} " + "─" * max(3, 84 - len(title)) + f" {elapsed:4.0f} s"
        sys.stdout.write(f"\n\x1b[1m{line}\x1b[0m\n" if COLOUR else f"\n{line}\n")
        sys.stdout.flush()

    def run(self, *words: str, expect: Sequence[int] = (0,)) -> None:
        """Print a command, run it in the work folder, and insist on its exit code."""
        shown = " ".join(word if all(c not in word for c in " '\"$") else f'"{word}"' for word in words)
        sys.stdout.write(f"\x1b[36m$ {shown}\x1b[0m\n" if COLOUR else f"$ {shown}\n")
        sys.stdout.flush()
        environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
        result = subprocess.run(words, cwd=WORK, env=environment, check=False)
        if result.returncode not in expect:
            raise StepFailedError(f"{shown!r} ended with {result.returncode}, not {' or '.join(map(str, expect))}")

    def note(self, sentence: str) -> None:
        """Keep a line for the summary."""
        self.said.append(f"{sentence} ({time.monotonic() - self.started:.0f} s)")


def copy_clinic() -> None:
    """Make the work folder: the example and a Git history of its own."""
    if not (WORK / ".git").exists():
        shutil.rmtree(WORK, ignore_errors=True)
        shutil.copytree(HERE, WORK, ignore=shutil.ignore_patterns("demo.py", "__pycache__"))
        for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "Start the clinic")):
            git(*words)


def git(*words: str) -> None:
    """Run git in the work folder as the demo's developer."""
    person = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in PERSON.items()}
    subprocess.run(["git", *words], cwd=WORK, env={**os.environ, **person}, check=True)


PERSON = {"NAME": "Ada", "EMAIL": "ada@clinic.example"}
LANDSCAPE = "ringfence.yaml"
ROGUE = ("rolebinding", "let-me-debug", "--clusterrole=admin", "--group=portal-devs")


def change_the_greeting() -> str:
    """Edit the portal as a developer would and return the version that the change gets."""
    chart = WORK / "charts" / "portal" / "values.yaml"
    number = int(subprocess.check_output(["git", "rev-list", "--count", "HEAD"], cwd=WORK, text=True))
    text = chart.read_text(encoding="utf-8").splitlines()
    text = [f"greeting: Welcome, visitor {number}" if line.startswith("greeting:") else line for line in text]
    chart.write_text("\n".join(text) + "\n", encoding="utf-8")
    git("commit", "--quiet", "-am", f"Greet visitor {number}")
    return f"1.{number}.0"


def main() -> int:
    """Run the chapters; 0 when every one ended as promised."""
    demo = Demo()
    copy_clinic()
    try:
        play(demo)
    except StepFailedError as failure:
        sys.stderr.write(f"\ndemo: {failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ndemo: interrupted; run it again, it goes on from what is there\n")
        return 130
    return 0


def play(demo: Demo) -> None:
    """The story, in order."""
    demo.chapter("1. Decide: how many Environments, and why")
    demo.run("ringfence", "plan", LANDSCAPE, "--explain")
    demo.note("decided: the cheapest Topology that meets every clause, with its reasons")
    demo.chapter("2. Bring the Environments up")
    demo.run("python", "-m", "ringfence.engine", "build")
    demo.run("ringfence", "up", LANDSCAPE)
    demo.note("up: two Environments, each with its own management cluster and Argo CD")
    demo.chapter("3. Build the separation and deploy, by Git, Argo CD and Helm")
    demo.run("ringfence", "apply", LANDSCAPE)
    demo.note("applied: synced by Argo CD and healthy at the committed revision")
    demo.chapter("4. Prove it")
    demo.run("ringfence", "prove", LANDSCAPE)
    demo.note("proved: every promise holds")
    demo.chapter("5. Break it as an ordinary user could, see the chain, mend it")
    demo.run("ringfence", "kubectl", "production-2", "--", "create", *ROGUE, "--namespace=portal-production")
    demo.run("ringfence", "prove", LANDSCAPE, expect=(1,))
    demo.run("ringfence", "kubectl", "production-2", "--", "delete", *ROGUE[:2], "--namespace=portal-production")
    demo.run("ringfence", "prove", LANDSCAPE)
    demo.note("broken, named, mended: the proof found the chain and holds again")
    demo.chapter("6. A change travels to customers, and back")
    version = change_the_greeting()
    demo.run("ringfence", "release", "portal", version)
    for here, there in (
        ("local", "development"),
        ("development", "testing"),
        ("testing", "staging"),
        ("staging", "production"),
    ):
        demo.run("ringfence", "promote", f"portal/{here}", "--to", there, "--release", version)
    demo.run("ringfence", "demote", "portal/production", "--because", "the greeting is too long")
    demo.run("ringfence", "history", "portal")
    demo.note("promoted and demoted: done only when the cluster ran that revision")
    demo.chapter("7. Look around, then leave nothing running")
    demo.run("ringfence", "status", LANDSCAPE)
    demo.run("ringfence", "down", LANDSCAPE)
    demo.note("down: no process is left; `ringfence down --purge` removes the files as well")
    demo.chapter("What you saw")
    sys.stdout.write("".join(f"  ✓ {sentence}\n" for sentence in demo.said))


if __name__ == "__main__":
    sys.exit(main())
