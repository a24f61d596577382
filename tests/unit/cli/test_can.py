"""``can`` at the command line: how questions may be written, and what files of probes may hold."""

import json
from pathlib import Path

import pytest

from ringfence.cli.main import run

SNAPSHOT = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {unschedulable: true}}
- {apiVersion: v1, kind: Pod, metadata: {namespace: a, name: p}, spec: {nodeName: n1, containers: [{name: c}]}}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {namespace: a, name: r}
  rules: [{apiGroups: [apps], resources: [deployments], verbs: [get]}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {namespace: a, name: r}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
  subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: alice}]
"""


@pytest.fixture
def cluster(tmp_path: Path) -> str:
    (tmp_path / "snapshot.yaml").write_text(SNAPSHOT, encoding="utf-8")
    return f"--snapshot=c={tmp_path / 'snapshot.yaml'}"


@pytest.mark.parametrize("word", ["deployments", "deployment", "deploy/web", "deployments.apps/web"])
def test_a_resource_may_be_written_without_its_group(cluster: str, word: str) -> None:
    assert run(["can", "access", "get", word, "-n", "a", "--as", "alice", cluster]) == 0


def test_a_daemon_set_brings_its_own_tolerations(cluster: str, tmp_path: Path) -> None:
    template = {"spec": {"containers": [{"name": "c"}]}}
    for kind, code in (("DaemonSet", 0), ("Deployment", 1)):
        workload = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "w"}, "spec": {"template": template}}
        (tmp_path / "workload.json").write_text(json.dumps(workload), encoding="utf-8")
        assert run(["can", "land", str(tmp_path / "workload.json"), "n1", cluster]) == code


def test_the_pods_of_a_cron_job_are_meant(cluster: str, tmp_path: Path) -> None:
    pod = {"spec": {"containers": [{"name": "c"}], "tolerations": [{"operator": "Exists"}]}}
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "w"}}
    job["spec"] = {"jobTemplate": {"spec": {"template": pod}}}
    (tmp_path / "job.json").write_text(json.dumps(job), encoding="utf-8")
    assert run(["can", "land", str(tmp_path / "job.json"), "n1", cluster]) == 0


def test_what_is_no_pod_is_refused(cluster: str, tmp_path: Path) -> None:
    (tmp_path / "service.json").write_text('{"apiVersion": "v1", "kind": "Service"}', encoding="utf-8")
    assert run(["can", "land", str(tmp_path / "service.json"), "n1", cluster]) == 2


@pytest.mark.parametrize(
    ("lines", "code", "answers"),
    [
        (b"", 0, 0),
        (b"\n\n", 0, 0),
        (b'{"from": "a/p", "to": "a/p", "port": 80}\n\n{"from": "a/p", "to": "a/p", "port": 81}', 0, 2),
        (b'{"from": "a/p", "to": "a/p", "port": 80}\nno json\n', 2, 1),
        (b"[1]\n", 2, 0),
        (b"\xff\xfe\n", 2, 0),
        (b'{"from": ["a/p"], "to": "a/p", "port": 80}\n', 3, 1),
        (b'{"from": "a/p", "to": "a/p"}\n', 3, 1),
    ],
)
def test_files_of_probes(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: bytes, code: int, answers: int
) -> None:
    (tmp_path / "probes.jsonl").write_bytes(lines)
    assert run(["can", "connect", "--probes", str(tmp_path / "probes.jsonl"), cluster]) == code
    captured = capsys.readouterr()
    found = [json.loads(line) for line in captured.out.splitlines()]
    assert len(found) == answers
    assert all(line["because"] for line in found)
    assert bool(captured.err) == (code == 2)


def test_names_do_not_turn_the_terminal_round(cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    probe = {"from": "a/\u202ep\u001b[31m", "to": "[bold]a/p[/bold]", "port": 80, "note": "å"}
    (tmp_path / "probes.jsonl").write_text(json.dumps(probe) + "\n", encoding="utf-8")
    assert run(["can", "connect", "--probes", str(tmp_path / "probes.jsonl"), cluster]) == 3
    out = capsys.readouterr().out
    assert not {"\u202e", "\u001b"} & set(out)
    assert "å" in out
    assert {key: json.loads(out)[key] for key in probe} == probe
