"""Storage that two deployments share though its objects differ, and tokens that no API server takes."""

from typing import Any

import pytest

from unit.prove.by_hand import Case, Cases
from unit.prove.proof_worlds import HERE, THERE, Object, account, base, grant, pod, rule, space, thing

SHARED = Cases("data")
TOKENS = Cases()


def volume(name: str, place: str = "", **spec: Any) -> Object:
    claim = {"claimRef": {"namespace": place, "name": name}} if place else {}
    return thing("v1", "PersistentVolume", name, spec={**claim, **spec})


def claim(name: str, place: str, **spec: Any) -> Object:
    return thing("v1", "PersistentVolumeClaim", name, place, spec=spec)


def both(mine: dict[str, Any], theirs: dict[str, Any]) -> list[Object]:
    """A volume each, behind a claim each."""
    return [
        *base(),
        volume("ours", HERE, **mine),
        claim("ours", HERE, volumeName="ours"),
        volume("data", THERE, **theirs),
        claim("data", THERE, volumeName="data"),
    ]


def csi(driver: str, handle: str, **attributes: str) -> dict[str, Any]:
    return {"csi": {"driver": driver, "volumeHandle": handle, "volumeAttributes": attributes}}


def nfs(path: str) -> dict[str, Any]:
    return {"nfs": {"server": "n", "path": path}}


add = SHARED.add
add("one handle", "broken", both(csi("ebs", "vol-1"), csi("ebs", "vol-1")))
add("one handle of two drivers", "holds", both(csi("ebs", "vol-1"), csi("other", "vol-1")))
add("one directory within another", "broken", both(nfs("/exports"), nfs("/exports/prod")))
add("one beside another", "holds", both(nfs("/exports/production"), nfs("/exports/prod")))
NFS = "nfs.csi.k8s.io"
add("two handles of one share", "broken", both(
    csi(NFS, "one", server="n", share="/p"), csi(NFS, "two", server="n", share="/p")
))  # fmt: skip
add("two directories of one share", "holds", both(
    csi(NFS, "one", server="n", share="/p", subDir="a"), csi(NFS, "two", server="n", share="/p", subDir="b")
))  # fmt: skip
add("a share by a driver and without", "broken", both(nfs("/p"), csi(NFS, "x", server="n", share="/p/")))
EFS = "efs.csi.aws.com"
add("access points of one file system", "holds", both(csi(EFS, "fs-1::fsap-1"), csi(EFS, "fs-1::fsap-2")))
add("a file system and its access point", "broken", both(csi(EFS, "fs-1"), csi(EFS, "fs-1::fsap-2")))
add("a file system and its directory", "broken", both(csi(EFS, "fs-1"), csi(EFS, "fs-1:/prod")))
S3 = "s3.csi.aws.com"
add("one bucket", "broken", both(csi(S3, "one", bucketName="b"), csi(S3, "two", bucketName="b")))
makes = grant("user:alice", [rule("create", "pods persistentvolumeclaims")], HERE)
EBS = csi("ebs", "vol-1")
mine = [*base(), *makes, volume("data", THERE, **EBS), claim("data", THERE, volumeName="data")]
add("a twin that is free", "broken", [*mine, volume("free", **EBS)])
add("a twin that is kept for the other", "holds", [*mine, volume("later", THERE, **EBS)])
add("another that is free", "holds", [*mine, volume("free", **csi("ebs", "vol-9"))])
source = {"kind": "PersistentVolumeClaim", "name": "data"}
add("a copy of the other's", "broken", [*mine, claim("x", HERE, dataSourceRef={**source, "namespace": THERE})])
add("a copy of one's own", "holds", [*mine, claim("x", HERE, dataSourceRef=source)])


def operator(**spec: Any) -> list[Object]:
    """A program of the platform with every right, into which alice may go."""
    return [
        *base(),
        space("x"),
        account("op", "x"),
        pod("op", "x", "op", **spec),
        *grant("user:alice", [rule("create", "pods/exec")], "x"),
        *grant("sa:x/op", [rule("*", "*", "*")], name="op"),
    ]


def token(audience: str) -> dict[str, Any]:
    asked = {"sources": [{"serviceAccountToken": {"audience": audience, "path": "t"}}]}
    return {"automountServiceAccountToken": False, "volumes": [{"name": "t", "projected": asked}]}


def flags(*more: str) -> Object:
    command = ["kube-apiserver", "--service-account-issuer=https://mine", *more]
    return pod("kube-apiserver", "kube-system", container={"name": "kube-apiserver", "command": command})


add = TOKENS.add
add("a token", "broken", operator())
add("no token", "holds", operator(automountServiceAccountToken=False))
for audience, answer in (("", "broken"), ("vault", "holds"), ("https://kubernetes.default.svc", "broken")):
    add(f"a token for {audience or 'nobody in particular'}", answer, operator(**token(audience)))
add("a token for who knows", "broken", operator(**token("something")))
add("a token for somebody else", "holds", [*operator(**token("something")), flags()])
add("a token for the issuer", "broken", [*operator(**token("https://mine")), flags()])
add("a token for a named audience", "broken", [*operator(**token("something")), flags("--api-audiences=something")])


@pytest.mark.parametrize("case", SHARED.listed, ids=lambda case: case.name)
def test_storage_as_worked_out_by_hand(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", TOKENS.listed, ids=lambda case: case.name)
def test_tokens_as_worked_out_by_hand(case: Case) -> None:
    case.check()
