"""What to type: examples of every command, for ``--help``, for usage errors and for the reference.

One table instead of prose in each verb: a test reads every line here with the real parser, so that none can rot. Heavy
imports have no place here, since every ``--help`` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """A command line as it is typed, without the prompt, and what it is for."""

    line: str
    purpose: str


def _of(*pairs: str) -> tuple[Example, ...]:
    """Examples from lines and purposes by turns."""
    return tuple(Example(line, purpose) for line, purpose in zip(pairs[::2], pairs[1::2], strict=True))


_DECIDE = {
    "init": _of(
        "ringfence init", "write ringfence.yaml here",
        "ringfence init clinic --example clinic", "copy an example with charts, to try everything on",
    ),
    "plan": _of(
        "ringfence plan", "decide for ringfence.yaml here",
        "ringfence plan clinic --explain", "with the clauses behind each boundary, and what each costs",
        "ringfence plan clinic --frontier", "price against waiting against blast radius",
        "ringfence plan clinic -o json | jq .price", "for a program",
    ),
    "regulations": _of(
        "ringfence regulations", "every pack and clause",
        "ringfence regulations iso-27001 clinic", "how many pairs of the clinic each clause speaks of",
    ),
}  # fmt: skip

_BUILD = {
    "render": _of(
        "ringfence render clinic -o manifests", "write the objects, to be read or committed",
        "ringfence render clinic | less", "look at them",
    ),
    "up": _of(
        "ringfence up clinic", "start clusters of your own on this machine",
        "ringfence up clinic --dry-run", "say what would be started",
        "ringfence up clinic --context production-1=prod-eu", "use a cluster that you have",
    ),
    "diff": _of("ringfence diff clinic", "what apply would change; exit 1 when there is something"),
    "apply": _of(
        "ringfence apply clinic", "make the clusters what the plan says",
        "ringfence apply clinic --dry-run", "what would change, asked of the API servers",
    ),
    "status": _of(
        "ringfence status clinic", "what runs where, at which release and revision",
        "ringfence status clinic -o json | jq '.deployments[].deployment'", "for a program",
    ),
    "down": _of(
        "ringfence down clinic", "stop the clusters; `up` brings them back with their data",
        "ringfence down clinic --purge", "remove their files as well",
        "ringfence down --all --dry-run", "what would be stopped, of every landscape",
    ),
    "kubectl": _of(
        "ringfence kubectl production-1 -f clinic -- get pods -A", "any kubectl command, on one cluster",
    ),
    "kubeconfig": _of(
        "ringfence kubeconfig clinic > clinic.kubeconfig", "every cluster, as contexts",
        "ringfence kubeconfig clinic production-1 --merged ~/.kube/config", "one, added to your own",
    ),
}  # fmt: skip

_PROVE = {
    "prove": _of(
        "ringfence prove clinic", "every pair of deployments, on the live clusters",
        "ringfence prove --partition shop.yaml --snapshot prod=objects/", "clusters that you have, from files",
        "ringfence prove --partition shop.yaml --context prod=prod-eu -o sarif > proof.sarif", "live, for a code host",
        "ringfence prove clinic --explain 'portal/staging portal/production' network", "the whole argument for a pair",
        "ringfence prove --init --context prod=prod-eu > shop.yaml", "a first Partition, from what is there",
    ),
    "can connect": _of(
        "ringfence can connect shop/web shop/db --port 5432/TCP --snapshot prod=objects/", "one pod to another",
        "ringfence can connect --probes questions.jsonl --snapshot prod=objects/", "many questions, one a line",
    ),
    "can access": _of(
        "ringfence can access get secrets/db -n shop --as alice --context prod=prod-eu", "a person",
        "ringfence can access list pods --as system:serviceaccount:ci:bot --snapshot prod=objects/", "an account",
        "ringfence can access get pods -n shop --as bob --context c=production-1 --kubeconfig clinic.kubeconfig",
        "on an embedded cluster, with what `ringfence kubeconfig clinic` prints",
    ),
    "can land": _of("ringfence can land pod.yaml worker-7 --snapshot prod=objects/", "a pod on a node"),
    "snapshot": _of(
        "ringfence snapshot --context prod-eu -o prod.json", "of a cluster",
        "ringfence snapshot --context prod-eu -n shop -n shop-test -o shop.json", "of namespaces, with fewer rights",
    ),
}  # fmt: skip

_PROMOTE = {
    "release": _of(
        "ringfence release portal 1.4.0 -f clinic", "from the commit that is checked out",
        "ringfence release portal 1.4.0 --revision v1.4.0 -f clinic", "from a tag",
    ),
    "promote": _of(
        "ringfence promote portal/local --to development -f clinic", "bring a new release in",
        "ringfence promote portal/testing-1 --to staging --wait -f clinic", "and wait for its gates",
        "ringfence promote portal/staging --to production --dry-run -f clinic", "ask the gates, move nothing",
    ),
    "demote": _of("ringfence demote portal/staging --because 'too slow' -f clinic", "back to testing, and held there"),
    "rollback": _of(
        "ringfence rollback portal --because 'errors since 14:00' -f clinic", "production, to what ran before",
        "ringfence rollback portal --to 1.3.0 --because 'errors' -f clinic", "to a release that ran there",
    ),
    "hold set": _of("ringfence hold set portal/testing-1 --because 'wait for legal' -f clinic", "nothing moves it"),
    "hold lift": _of("ringfence hold lift portal 1.4.0 --because 'legal agrees' -f clinic", "it may move again"),
    "hold list": _of("ringfence hold list -f clinic", "what is held, by whom, why"),
    "reject": _of("ringfence reject portal 1.4.0 --because 'leaks memory' -f clinic", "never again"),
    "approve": _of(
        "ringfence approve portal/staging --to production -f clinic", "as somebody else than its author",
        "ringfence approve portal/staging --to production --impact analysis.md -f clinic", "with a signed document",
    ),
    "local": _of(
        "ringfence local portal -f clinic", "run it, and again at every change",
        "ringfence local portal --down -f clinic", "end it, with its throw-away data",
    ),
    "history": _of(
        "ringfence history portal -f clinic", "the latest twenty events of an application",
        "ringfence history -n 100 --event refused -f clinic", "every refusal among all",
    ),
    "loops": _of(
        "ringfence loops -f clinic", "from commit to observable, per stage, against the targets",
        "ringfence loops portal --picture loops.svg -f clinic", "as a picture",
    ),
}  # fmt: skip

_ORDER = {
    "order environment": _of("ringfence order environment order.yaml -f clinic", "submit an order"),
    "order list": _of("ringfence order list -f clinic", "every order and its state"),
    "order show": _of("ringfence order show production -f clinic", "who did what, and what differs"),
    "order approve": _of("ringfence order approve production -f clinic", "agree to it"),
    "order reject": _of("ringfence order reject production --because 'no budget' -f clinic", "refuse it for good"),
    "order deliver": _of(
        "ringfence order deliver production -f clinic", "on the embedded engine",
        "ringfence order deliver production --provider ticket --to tickets -f clinic", "by people, with a signed file",
    ),
    "order accept": _of("ringfence order accept production -f clinic", "take it over, when nothing differs"),
    "order cancel": _of("ringfence order cancel production --because 'merged' -f clinic", "take the order back"),
}  # fmt: skip

_UPDATE = {
    "update due": _of(
        "ringfence update due --finished 2026-12-18T14:00:00+01:00 --kind minor --country SE "
        "--timezone Europe/Stockholm", "when production may be updated",
    ),
    "update plan": _of("ringfence update plan --bundle next.yaml clinic", "two waves, non-production first"),
    "update start": _of(
        "ringfence update start clinic", "whatever is due now; run it again later for production",
        "ringfence update start --record np.json clinic", "with the signed record of a remote non-production",
    ),
    "update back": _of(
        "ringfence update back -e non-production clinic", "what ran before the update",
    ),
    "update status": _of(
        "ringfence update status clinic", "what runs, what is due, and why not before",
        "ringfence update status clinic --ical updates.ics", "for a calendar",
    ),
    "update pause": _of("ringfence update pause --because 'incident' clinic", "nothing new begins"),
    "update resume": _of("ringfence update resume clinic", "go on"),
    "update abandon": _of("ringfence update abandon --because 'withdrawn' clinic", "give the plan up"),
    "update adopt": _of(
        "ringfence update adopt -e production --bundle present.yaml clinic", "say what runs there already",
    ),
    "update record": _of("ringfence update record -e non-production --to np.json clinic", "to carry to production"),
    "update receive": _of("ringfence update receive np.json -f clinic", "check and take a record"),
    "update trust": _of("ringfence update trust np.pem -e non-production -f clinic", "believe its records"),
    "update key": _of("ringfence update key > np.pem", "hand it over once, by a way that is trusted"),
}  # fmt: skip

_OPERATE = {
    "evidence verify": _of(
        "ringfence evidence verify clinic", "the ledger of a landscape",
        "ringfence evidence verify --ledger ledger.jsonl --key evidence.pem.pub", "one that was handed over",
    ),
    "evidence export": _of(
        "ringfence evidence export -o html --to evidence.html clinic", "one page for people",
        "ringfence evidence export -o oscal --to evidence.json clinic", "for governance tools",
    ),
    "evidence list": _of("ringfence evidence list clinic", "the latest entries"),
    "evidence checkpoint": _of("ringfence evidence checkpoint --to checkpoint.json clinic", "for others to keep"),
    "evidence init": _of("ringfence evidence init --git evidence clinic", "keep the ledger in a Git repository"),
    "info": _of("ringfence info", "paths, versions, ports, processes"),
}  # fmt: skip

EXAMPLES: Mapping[str, tuple[Example, ...]] = _DECIDE | _BUILD | _PROVE | _PROMOTE | _ORDER | _UPDATE | _OPERATE
"""The examples of each command, by its words after ``ringfence``."""
