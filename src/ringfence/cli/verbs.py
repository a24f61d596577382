"""The table of verbs: name, where it is, what it does in one line, and the part of the main job that it serves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """A command. ``module`` is below ``ringfence.cli``; ``attribute`` is a function or a ``typer.Typer``."""

    name: str
    help: str
    section: str
    module: str
    attribute: str = "command"
    hidden: bool = False


_DECIDE = "Decide"
_BUILD = "Build"
_PROVE = "Prove"
_PROMOTE = "Promote"
_OPERATE = "Operate"

VERBS: tuple[Verb, ...] = (
    Verb("init", "Write a small Landscape to start from.", _DECIDE, "init"),
    Verb("plan", "Decide how many Environments, and where each deployment lives.", _DECIDE, "plan"),
    Verb("regulations", "List the regulation packs and what they would ask.", _DECIDE, "regulations"),
    Verb("render", "Write the Kubernetes objects, one folder per Environment and cluster.", _BUILD, "render"),
    Verb("up", "Bring the Environments up.", _BUILD, "up"),
    Verb("diff", "Show what apply would change.", _BUILD, "diff"),
    Verb("apply", "Change what differs, prune what is gone.", _BUILD, "apply"),
    Verb("status", "Show the Environments and what runs in them.", _BUILD, "status"),
    Verb("down", "Stop the Environments; --purge removes their files.", _BUILD, "down"),
    Verb("kubectl", "Run kubectl on one of the clusters.", _BUILD, "kubectl"),
    Verb("kubeconfig", "Print the kubeconfig of the clusters.", _BUILD, "kubeconfig"),
    Verb("prove", "Prove that the separation holds, or show how it breaks.", _PROVE, "prove"),
    Verb("can", "Answer one question: can connect, can access, can land.", _PROVE, "can", "app"),
    Verb("snapshot", "Write the objects of a cluster to a file, Secrets hashed.", _PROVE, "snapshot"),
    Verb("release", "Make an immutable release of an application.", _PROMOTE, "release"),
    Verb("promote", "Bring a release one stage closer to customers.", _PROMOTE, "promote"),
    Verb("demote", "Send a change back one stage and hold it there.", _PROMOTE, "demote"),
    Verb("rollback", "Go back in production to a release that ran there.", _PROMOTE, "rollback"),
    Verb("hold", "Hold a release where it is, or lift a hold.", _PROMOTE, "hold", "app"),
    Verb("reject", "Reject a release for good.", _PROMOTE, "reject"),
    Verb("approve", "Approve a promotion, as somebody other than its author.", _PROMOTE, "approve"),
    Verb("local", "Run an application's local deployment on a cluster of your own.", _PROMOTE, "local"),
    Verb("history", "Show what was promoted, demoted and refused.", _PROMOTE, "history"),
    Verb("loops", "Show how long changes take to be observed, and where the time goes.", _PROMOTE, "loops"),
    Verb("order", "Order an Environment and follow the order.", _OPERATE, "order", "app"),
    Verb("update", "Update platforms, non-production first.", _OPERATE, "update", "app"),
    Verb("evidence", "Verify and export the ledger.", _OPERATE, "evidence", "app"),
    Verb("info", "Show every path, version and process in use.", _OPERATE, "info"),
)
