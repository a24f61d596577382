"""Reading an Application: a revision counts as running only when everything says so at once."""

from typing import Any

import pytest

from ringfence.deliver.argocd import Phase, observe

OLD, NEW = "a" * 40, "b" * 40


def application(
    *, sync: str = "Synced", revision: str = NEW, health: str = "Healthy", phase: str = "Succeeded", **status: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": "shop"},
        "status": {
            "sync": {"status": sync, "revision": revision},
            "health": {"status": health},
            "operationState": {"phase": phase},
            **status,
        },
    }


@pytest.mark.parametrize(
    ("document", "phase", "revision"),
    [
        (application(), Phase.RUNNING, NEW),
        (application(revision=OLD), Phase.RUNNING, OLD),
        (application(health="Progressing"), Phase.STARTING, NEW),
        (application(health="Degraded"), Phase.STARTING, NEW),
        (application(sync="OutOfSync"), Phase.SYNCING, None),
        (application(phase="Running"), Phase.SYNCING, None),
        (application(phase="Terminating"), Phase.SYNCING, None),
        ({**application(), "operation": {"sync": {}}}, Phase.SYNCING, None),
        (application(sync="OutOfSync", phase="Failed"), Phase.FAILED, None),
        ({"metadata": {"name": "shop"}}, Phase.WAITING, None),
        ({"metadata": {"name": "shop"}, "status": {"sync": {"status": "Unknown"}}}, Phase.WAITING, None),
    ],
)
def test_phase(document: dict[str, Any], phase: Phase, revision: str | None) -> None:
    seen = observe(document)
    assert (seen.phase, seen.revision) == (phase, revision)


def test_the_message_names_what_was_refused() -> None:
    resources = [{"kind": "Secret", "name": "x", "status": "SyncFailed", "message": "not permitted in project shop"}]
    seen = observe(
        application(
            sync="OutOfSync", phase="Failed", operationState={"phase": "Failed", "syncResult": {"resources": resources}}
        )
    )
    assert seen.message == "Secret x: not permitted in project shop"


def test_control_characters_in_a_message_stay_harmless() -> None:
    seen = observe(application(conditions=[{"type": "ComparisonError", "message": "\x1b[31mred\u202e"}]))
    assert "\x1b" not in seen.message
