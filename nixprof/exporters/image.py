"""An image for containers: one archive that is an OCI layout and what `docker load` takes, the same every time.

The layers are not compressed, so that each is read and written once. https://github.com/opencontainers/image-spec
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from nixprof.record import record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_ARCHITECTURES = {
    "x86_64": {"architecture": "amd64"},
    "aarch64": {"architecture": "arm64", "variant": "v8"},
    "i686": {"architecture": "386"},
    "armv7l": {"architecture": "arm", "variant": "v7"},
    "armv6l": {"architecture": "arm", "variant": "v6"},
    "powerpc64le": {"architecture": "ppc64le"},
}
_NAME = "nixprof:latest"
_TIME = "1970-01-01T00:00:01Z"
_SHELLS = ("bash", "zsh", "fish", "sh")
_CERTIFICATES = "etc/ssl/certs/ca-bundle.crt"
_MEDIA = "application/vnd.oci.image"
_READ_BYTES = 1 << 20


@record
class Contents:
    """What an image has."""

    system: str
    environment: str  # the store path that links all packages
    closure: Collection[str]  # all store paths that it needs, itself included


def write_image(contents: Contents, file: Path, scratch: Path) -> None:
    """Write an image: a layer with the packages and all that they need, and one with what links them.

    `scratch` is a folder that has room for the layers.
    """
    environment = contents.environment
    packages = sorted(set(contents.closure) - {environment})
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archive:
        blobs = _Blobs(archive)
        layers = [
            blobs.layer(scratch / "packages", (one for path in packages for one in _tree(path))),
            blobs.layer(scratch / "environment", _root(environment)),
        ]
        config = blobs.json("config.v1+json", _config(contents, [layer["digest"] for layer in layers]))
        manifest = {"schemaVersion": 2, "mediaType": f"{_MEDIA}.manifest.v1+json", "config": config, "layers": layers}
        found = blobs.json("manifest.v1+json", manifest) | {
            "annotations": {"org.opencontainers.image.ref.name": "latest"}
        }
        _add(archive, "oci-layout", _bytes({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _bytes({"schemaVersion": 2, "manifests": [found]}))
        # What docker reads.
        places = [_place(layer["digest"]) for layer in layers]
        _add(
            archive,
            "manifest.json",
            _bytes([{"Config": _place(config["digest"]), "RepoTags": [_NAME], "Layers": places}]),
        )


def _config(contents: Contents, layers: list[str]) -> dict[str, Any]:
    machine = contents.system.partition("-")[0]
    environment = Path(contents.environment)
    begins = [f"/bin/{name}" for name in _SHELLS if (environment / "bin" / name).exists()][:1]
    certificates = environment / _CERTIFICATES
    return {
        "created": _TIME,
        "os": "linux",
        **_ARCHITECTURES.get(machine, {"architecture": machine}),
        "config": {
            "Env": ["PATH=/bin", *([f"SSL_CERT_FILE={certificates}"] if certificates.exists() else [])],
            **({"Cmd": begins} if begins else {}),
        },
        "rootfs": {"type": "layers", "diff_ids": layers},
        "history": [{"created": _TIME, "created_by": "nixprof"} for _ in layers],
    }


class _Blobs:
    """Adds what an image consists of to an archive, each part under the name of its hash."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def json(self, kind: str, data: object) -> dict[str, Any]:
        """Add JSON; returns what refers to it."""
        text = _bytes(data)
        return self._add(kind, hashlib.sha256(text).hexdigest(), len(text), BytesIO(text))

    def layer(self, file: Path, members: Iterator[tuple[tarfile.TarInfo, Path | None]]) -> dict[str, Any]:
        """Add files as a layer, which is written to a file first."""
        with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as layer:
            for member, source in members:
                with source.open("rb") if source else BytesIO() as content:
                    layer.addfile(member, content)
        with file.open("rb") as written:
            found = hashlib.file_digest(written, "sha256").hexdigest()
            written.seek(0)
            added = self._add("layer.v1.tar", found, file.stat().st_size, written)
        file.unlink()
        return added

    def _add(self, kind: str, digest: str, size: int, content: BinaryIO) -> dict[str, Any]:
        described = {"mediaType": f"{_MEDIA}.{kind}", "digest": f"sha256:{digest}", "size": size}
        self._archive.addfile(_member(_place(described["digest"]), stat.S_IFREG | 0o444, size), content)
        return described


def _place(digest: object) -> str:
    return f"blobs/{str(digest).replace(':', '/')}"


def _bytes(data: object) -> bytes:
    return json.dumps(data, separators=(",", ":"), sort_keys=True).encode()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_member(name, stat.S_IFREG | 0o444, len(data)), BytesIO(data))


def _root(environment: str) -> Iterator[tuple[tarfile.TarInfo, Path | None]]:
    """Give what links the packages, and what a container has besides: `/bin`, and a folder that all can write to."""
    yield from _tree(environment)
    if os.path.isdir(f"{environment}/bin"):
        yield _member("bin", stat.S_IFLNK | 0o777, link=f"{environment}/bin"), None
    yield _member("tmp", stat.S_IFDIR | 0o1777), None


def _tree(path: str) -> Iterator[tuple[tarfile.TarInfo, Path | None]]:
    """Give a store path with all that is in it, in the order of the names."""
    found = os.lstat(path)
    name = path.lstrip("/")
    if stat.S_ISLNK(found.st_mode):
        yield _member(name, stat.S_IFLNK | 0o777, link=os.readlink(path)), None
    elif stat.S_ISDIR(found.st_mode):
        yield _member(name, found.st_mode), None
        for one in sorted(os.listdir(path)):
            yield from _tree(f"{path}/{one}")
    else:
        yield _member(name, found.st_mode, found.st_size), Path(path)


def _member(name: str, mode: int, size: int = 0, link: str = "") -> tarfile.TarInfo:
    """Describe a member of an archive that is the same on every machine: of root, and of no time."""
    member = tarfile.TarInfo(name)
    kinds = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE}
    member.type = kinds.get(stat.S_IFMT(mode), tarfile.REGTYPE)
    member.mode, member.size, member.linkname, member.mtime = stat.S_IMODE(mode), size, link, 1
    return member
