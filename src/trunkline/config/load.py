"""From files to a snapshot: read, convert, default, check, digest.

The files of the configuration have been read from disk already; the lists that they name are read here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from trunkline.config import shapes, shapes_criteria, shapes_flow
from trunkline.config.convert import BAD, Desk, read_struct, refuse_unknown
from trunkline.config.currencies import CURRENCIES
from trunkline.config.defaults import with_defaults
from trunkline.config.list_files import ListFiles
from trunkline.config.places import Places
from trunkline.config.problems import Problem
from trunkline.config.reading import Document, Source, read
from trunkline.config.schema import VERSION, AccountConfig, Platform, Snapshot
from trunkline.config.tree import Fields, Text
from trunkline.config.validate import validate
from trunkline.config.voices import Voices

__all__ = ["Loaded", "Source", "load_sources"]

_SHAPES = (shapes, shapes_criteria, shapes_flow)
_PLATFORM_KEYS = frozenset(Platform.__struct_fields__)
_ACCOUNT_KEYS = frozenset(AccountConfig.__struct_fields__)


class Loaded(msgspec.Struct, frozen=True):
    """What came of a configuration: all problems, and the snapshot when none of them is an error.

    `files` are those that the configuration names and that were read with it, or looked for: list files.
    """

    snapshot: Snapshot | None
    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the configuration from being used."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


class Part(msgspec.Struct, frozen=True):
    """One file with what it holds of the account and of the platform."""

    document: Document
    account: AccountConfig | None
    platform: Platform | None


def load_sources(
    sources: Sequence[Source], base: str, voices: Voices | None = None, places: Places | None = None
) -> Loaded:
    """Read and check a configuration.

    `sources` are its files, `base` the folder that prompt and list files are named from, `voices` what can be spoken
    and played here, `places` which ZIP codes and counties there are (None leaves these unchecked). Never raises because
    of what a file says.
    """
    lists = ListFiles(base)
    parts = [_convert(source, read(source), lists) for source in sources]
    found = [part for part in parts if part.document.root is not None]
    validate([(part.account, part.platform, part.document.findings) for part in found], voices, places)
    problems = tuple(problem for part in parts for problem in part.document.findings.sorted())
    if not parts:
        problems = (Problem(path="", severity="error", code="empty", message="there is no configuration file"),)
    if any(problem.severity == "error" for problem in problems):
        return Loaded(None, problems, lists.names)
    return Loaded(_snapshot(parts, base, lists), problems, lists.names)


def digest_of(platform: Platform, accounts: Sequence[AccountConfig]) -> str:
    """SHA-256 of the canonical JSON: the same for files that differ only in the order of their keys or their layout."""
    canonical = msgspec.json.encode({"platform": platform, "accounts": accounts}, order="deterministic")
    return hashlib.sha256(canonical).hexdigest()


def _snapshot(parts: Sequence[Part], base: str, lists: ListFiles) -> Snapshot:
    platform = next((part.platform for part in parts if part.platform is not None), Platform())
    accounts = sorted(
        (part.account for part in parts if part.account is not None), key=lambda config: config.account.key
    )
    digest = digest_of(platform, accounts)
    return Snapshot(platform=platform, accounts=tuple(accounts), digest=digest, base=base, files=lists.names)


def _convert(source: Source, document: Document, lists: ListFiles) -> Part:
    root = document.root
    if root is None:
        return Part(document, None, None)
    desk = Desk(document.findings, _currency(root), lists)
    known = {"version"}
    known |= _ACCOUNT_KEYS if source.role != "platform" else set()
    known |= _PLATFORM_KEYS if source.role != "account" else set()
    _refuse_misplaced(desk, root, known)
    _check_version(desk, root)
    account = read_struct(desk, _only(root, _ACCOUNT_KEYS), AccountConfig) if source.role != "platform" else BAD
    platform = read_struct(desk, _only(root, _PLATFORM_KEYS), Platform) if source.role != "account" else BAD
    return Part(document, None if account is BAD else with_defaults(account), None if platform is BAD else platform)


def _only(root: Fields, keys: frozenset[str]) -> Fields:
    return Fields({key: entry for key, entry in root.entries.items() if key in keys}, root.lines, root.line)


def _refuse_misplaced(desk: Desk, root: Fields, known: set[str]) -> None:
    for key in root.entries.keys() - known:
        if key in _PLATFORM_KEYS:
            hint = "move it to platform.yaml: an account cannot widen what the installation allows"
            desk.wrong("misplaced", f"{key!r} belongs to the platform, not to an account", hint, at=(key,))
        elif key in _ACCOUNT_KEYS:
            hint = "move it to a file in accounts/"
            desk.wrong("misplaced", f"{key!r} belongs to an account, not to the platform", hint, at=(key,))
    rest = {key: entry for key, entry in root.entries.items() if key not in _PLATFORM_KEYS | _ACCOUNT_KEYS}
    refuse_unknown(desk, Fields(rest, root.lines, root.line), known)


def _check_version(desk: Desk, root: Fields) -> None:
    version = root.entries.get("version")
    if version is None:
        desk.wrong("missing", "'version' is missing", f"write version: {VERSION} at the top", at=("version",))
    elif not isinstance(version, Text) or version.value != str(VERSION):
        message = f"this is no version of the format that can be read here; version {VERSION} is"
        desk.wrong("bad_version", message, f"write version: {VERSION}", at=("version",))


def _currency(root: Fields) -> str:
    """The account's currency, which amounts are read in; a wrong one is reported with the account."""
    account = root.entries.get("account")
    currency = account.entries.get("currency") if isinstance(account, Fields) else None
    given = currency.value if isinstance(currency, Text) else None
    return given if given in CURRENCIES else "USD"
