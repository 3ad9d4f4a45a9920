"""Contact lists: each that is named is there, and a file lies below the configuration."""

from __future__ import annotations

from pathlib import PurePosixPath

from trunkline.config.contacts import ContactList
from trunkline.config.subject import Subject
from trunkline.config.tree import Path


def check_names(subject: Subject, path: Path, names: tuple[str, ...]) -> None:
    """Every list that is suppressed or required stands under `lists`."""
    known = {each.key for each in subject.config.lists}
    for place, name in enumerate(names):
        subject.refers((*path, place), name, known, "list")


def check_list(subject: Subject, path: Path, held: ContactList) -> None:
    """The file of a list is named from the folder of the configuration."""
    if not held.file:
        return
    pure = PurePosixPath(held.file)
    if pure.is_absolute() or ".." in pure.parts or "\\" in held.file or "\n" in held.file:
        hint = "name it from the folder of the configuration: lists/blocked.txt"
        subject.findings.error((*path, "file"), "bad_file", f"{held.file!r} is outside the configuration", hint)
