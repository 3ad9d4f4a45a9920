"""Names that this machine knows by itself (`/etc/hosts`). They come before DNS, as everywhere else on the machine."""

from __future__ import annotations

from pathlib import Path

from trunkline.sip.uri import is_ip_literal

HOSTS_FILE = Path("/etc/hosts")
SIZE_MAX = 4 * 1024 * 1024


class HostsFile:
    """The names of a hosts file, read again when it has changed. A file that cannot be read holds no names."""

    def __init__(self, path: Path = HOSTS_FILE) -> None:
        self._path = path
        self._state: tuple[int, int] | None = None
        self._names: dict[str, tuple[str, ...]] = {}

    def addresses(self, host: str) -> tuple[str, ...]:
        """The IP literals of a name, in the order of the file."""
        try:
            stat = self._path.stat()
            state = (stat.st_mtime_ns, stat.st_size)
            if state != self._state:
                self._names = _read(self._path) if stat.st_size <= SIZE_MAX else {}
                self._state = state
        except OSError:
            self._names, self._state = {}, None
        return self._names.get(host.rstrip(".").lower(), ())


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if is_ip_literal(address):
            for name in names:
                name = name.rstrip(".").lower()
                found[name] = (*found.get(name, ()), address)
    return found
