"""What storage a volume is, whatever its objects are called: two with one backend are one storage.

Sources: the API's volume types; the parameters of the CSI drivers for NFS, SMB, EFS, Azure Files, S3 and Cloud Storage.
A volume may have several names: a driver of shares calls it what it likes, and the share is the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Backend = tuple[str, ...]
"""A kind of storage and what names one of it. Those of kind ``nfs`` are a server and a directory of it."""

# What names a storage of each kind: the field that must be there, then those that tell two of one name apart.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "awsElasticBlockStore": ("volumeID", "partition"),
    "gcePersistentDisk": ("pdName", "partition"),
    "azureDisk": ("diskURI",),
    "azureFile": ("shareName", "secretName"),
    "glusterfs": ("path", "endpoints"),
    "cephfs": ("monitors", "path"),
    "iscsi": ("iqn", "targetPortal", "lun"),
    "fc": ("targetWWNs", "lun"),
    "rbd": ("image", "monitors", "pool"),
    "vsphereVolume": ("volumePath",),
    "portworxVolume": ("volumeID",),
}
# What of a CSI volume's attributes names the storage itself, by driver; the first must be there.
_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "file.csi.azure.com": ("shareName", "storageAccount"),
    "blob.csi.azure.com": ("containerName", "storageAccount"),
    "s3.csi.aws.com": ("bucketName",),
    "gcsfuse.csi.storage.gke.io": ("bucketName",),
    "cephfs.csi.ceph.com": ("rootPath", "clusterID", "fsName"),
}


def backends_of(spec: Mapping[str, Any]) -> tuple[Backend, ...]:
    """The names of the storage of a PersistentVolume, or of a pod's volume; none for what is local or not known."""
    return tuple(dict.fromkeys(_backends(spec)))


def _backends(spec: Mapping[str, Any]) -> Iterator[Backend]:
    csi, nfs = spec.get("csi") or {}, spec.get("nfs") or {}
    if isinstance(csi, Mapping) and csi.get("driver"):
        yield from _of_driver(str(csi["driver"]), str(csi.get("volumeHandle") or ""), csi.get("volumeAttributes") or {})
    if nfs.get("server"):
        yield ("nfs", str(nfs["server"]), _directory(str(nfs.get("path", "/"))))
    for kind, fields in _FIELDS.items():
        body = spec.get(kind)
        if isinstance(body, Mapping) and body.get(fields[0]):
            yield (kind, *(str(body[field]) for field in fields if body.get(field)))


def _of_driver(driver: str, handle: str, attributes: Mapping[str, Any]) -> Iterator[Backend]:
    if driver == "efs.csi.aws.com" and handle:
        yield _efs(handle)
        return
    if handle:
        yield ("csi", driver, handle)
    server, share = attributes.get("server"), attributes.get("share")
    below = str(attributes.get("subDir") or attributes.get("subdir") or "")
    if server and share:
        yield ("nfs", str(server), _directory(f"{share}/{below}"))
    elif attributes.get("source"):
        yield ("nfs", str(attributes["source"]).rstrip("/").lower(), _directory(below))
    fields = _ATTRIBUTES.get(driver, ())
    if fields and attributes.get(fields[0]):
        yield ("csi", driver, "", *(str(attributes.get(field) or "") for field in fields))


def _efs(handle: str) -> Backend:
    """A file system, its directory, and an access point, which is some directory of it (``fs-1:/data:fsap-1``)."""
    system, path, point = (*handle.split(":"), "", "")[:3]
    return ("nfs", f"efs {system}", f"/\0{point}" if point else _directory(path))


def _directory(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)
