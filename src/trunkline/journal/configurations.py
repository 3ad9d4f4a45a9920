"""The configurations that decisions were taken with, kept beside the journal by their digest.

A decision names the digest of its configuration. Here is what stood behind it, so that it can be explained, compared
and run again after the operator's own files have changed. `in-force` names the one that counts now.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Final

import msgspec

from trunkline.config.schema import AccountConfig, Platform, Snapshot
from trunkline.kernel.errors import EnvironmentFault

FOLDER: Final = "configurations"
KEPT_MAX: Final = 200
"""The newest that are kept; a decision that is older can still be read, but not taken again."""
_IN_FORCE: Final = "in-force"
_COMPRESSION: Final = 1
"""A twelfth of the size is left. The journal of calls waits for the same disk, and should not for configurations."""


class ConfigurationMissing(EnvironmentFault):
    """The configuration that is asked for is not kept in the data folder."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration; `path` is the file or folder the switch was started with, `base` where its prompts are."""

    path: str
    base: str
    platform: Platform
    accounts: tuple[AccountConfig, ...]


class Configurations:
    """The store in one data folder. Writing is for the switch, reading for anybody."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def keep(self, snapshot: Snapshot, path: Path) -> None:
        """Store a configuration and name it as the one in force. Blocks: for use in a thread."""
        self.store(snapshot, path)
        self.name(snapshot.digest)

    def store(self, snapshot: Snapshot, path: Path) -> None:
        """Store a configuration that may come into force."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file(snapshot.digest)
        if file.exists():
            os.utime(file)
        else:
            stored = Stored(
                path=str(path.resolve()), base=snapshot.base, platform=snapshot.platform, accounts=snapshot.accounts
            )
            _write(file, gzip.compress(msgspec.json.encode(stored), _COMPRESSION, mtime=0))
        self._forget()

    def name(self, digest: str) -> None:
        """Name the stored configuration that is in force from now on. Blocks."""
        _write(self._folder / _IN_FORCE, digest.encode())

    def in_force(self) -> str:
        """The digest of the configuration that counts. Raises ConfigurationMissing when no switch has run here."""
        try:
            return (self._folder / _IN_FORCE).read_text().strip()
        except OSError as error:
            raise ConfigurationMissing(
                f"{self._folder.parent} keeps no configuration of a switch: {error.strerror}",
                hint="--data names the folder that a switch was started with",
            ) from error

    def get(self, digest: str) -> Snapshot:
        """The configuration with that digest. Raises ConfigurationMissing."""
        stored = self._stored(digest)
        return Snapshot(platform=stored.platform, accounts=stored.accounts, digest=digest, base=stored.base)

    def source(self, digest: str) -> Path:
        """The file or folder that it was read from. Raises ConfigurationMissing."""
        return Path(self._stored(digest).path)

    def _stored(self, digest: str) -> Stored:
        try:
            return msgspec.json.decode(gzip.decompress(self._file(digest).read_bytes()), type=Stored)
        except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
            raise ConfigurationMissing(
                f"the configuration {digest[:12]} is not kept in {self._folder}",
                hint=f"the last {KEPT_MAX} are kept, by the version of Trunkline that used them",
            ) from error

    def _file(self, digest: str) -> Path:
        assert digest.isalnum(), f"{digest!r} is no digest"
        return self._folder / f"{digest}.json.gz"

    def _forget(self) -> None:
        stored = (*self._folder.glob("*.json.gz"), *self._folder.glob("*.json"))  # the latter are of earlier versions
        files = sorted(stored, key=lambda file: file.stat().st_mtime_ns, reverse=True)
        for file in files[KEPT_MAX:]:
            file.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    """Replace the file whole: whoever reads meets the old content or the new."""
    new = file.with_name(f".{file.name}.new")
    with new.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.chmod(0o600)
    new.replace(file)
