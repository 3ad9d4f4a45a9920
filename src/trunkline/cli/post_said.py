"""What the flags of `trunkline post` say: which campaign, which switch, which key, which columns, which files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import yaml

from trunkline.cli import admin
from trunkline.config.schema import Campaign
from trunkline.journal.configurations import Configurations
from trunkline.kernel.errors import UsageError
from trunkline.worker.batch.errors_file import SUFFIX
from trunkline.worker.batch.posting import Door
from trunkline.worker.batch.progress import SUFFIX as PROGRESS_SUFFIX
from trunkline.worker.batch.progress import TEST_SUFFIX

PATH: Final = "/v1/leads"
MAP_BYTES_MAX: Final = 65_536


def check_numbers(args: argparse.Namespace) -> None:
    """Refuse numbers that make no sense. Raises UsageError."""
    if not 0.01 <= args.rate <= 10_000:
        raise UsageError(f"--rate {args.rate}: from 0.01 to 10000 rows a second")
    if not 1 <= args.at_once <= 64:
        raise UsageError(f"--at-once {args.at_once}: from 1 to 64")
    if args.separator is not None and len(args.separator) != 1:
        raise UsageError(f"--separator {args.separator!r} is not one character")


def campaign_key(args: argparse.Namespace) -> str:
    """The campaign that was named. Raises UsageError."""
    if args.campaign is None:
        raise UsageError("whose leads are these?", hint="--campaign KEY")
    campaign: str = args.campaign
    return campaign


def configured(args: argparse.Namespace) -> Campaign | None:
    """The campaign in the configuration in force; None without --data. Raises UsageError."""
    if args.data is None:
        return None
    kept = Configurations(args.data)
    found = [
        (config.account.key, campaign)
        for config in kept.get(kept.in_force()).accounts
        for campaign in config.campaigns
        if args.account in {None, config.account.key}
    ]
    mine = [campaign for _, campaign in found if campaign.key == campaign_key(args)]
    if len(mine) > 1:
        raise UsageError(f"several accounts have a campaign {args.campaign!r}", hint="say which: --account KEY")
    if not mine:
        keys = [campaign.key for _, campaign in found]
        close = get_close_matches(args.campaign, keys, n=1)
        raise UsageError(
            f"there is no campaign {args.campaign!r} in force",
            hint=f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(keys[:20])}",
        )
    if not mine[0].lead_fields:
        raise UsageError(f"the campaign {args.campaign!r} takes no leads", hint="give it `lead_fields`")
    return mine[0]


def door(args: argparse.Namespace) -> Callable[[], Door]:
    """How to find where to post, and by which key. Raises UsageError."""
    if args.key_env is None:
        raise UsageError("whose leads are these?", hint="--key-env NAME: the variable with the publisher's API key")
    key = os.environ.get(args.key_env, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(f"the variable {args.key_env} holds no API key", hint=f"export {args.key_env}=…")
    if args.url is None and args.data is None:
        raise UsageError("where to?", hint="--data DIR of a switch on this machine, or --url URL")
    if args.url is not None:
        url: str = args.url.rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--url {args.url} is no URL of http or https", hint="such as https://leads.example.com")
        return lambda: Door(url if url.endswith(PATH) else url + PATH, key)
    return lambda: Door(f"http://{admin.ask(args.data, 'listeners.show', {})['http']}{PATH}", key)


def place(args: argparse.Namespace) -> str:
    """What the file of progress calls the switch: its folder stays the same where its port does not."""
    return str(args.data.resolve() if args.url is None else args.url)


def mapping(maps: list[str]) -> dict[str, str]:
    """What --map says: pairs, and files of them. Raises UsageError."""
    said: dict[str, str] = {}
    for each in maps:
        column, equals, field = each.rpartition("=")
        said |= {column.strip(): field.strip()} if equals else _map_file(Path(each))
    return said


def _map_file(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > MAP_BYTES_MAX:
            raise UsageError(f"--map {path} has more than {MAP_BYTES_MAX} bytes")
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - texts alone
    except OSError as error:
        raise UsageError(f"--map {path}: {error.strerror}", hint="write COLUMN=FIELD, or name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"--map {path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not all(isinstance(each, str) for pair in document.items() for each in pair):
        raise UsageError(f"--map {path} does not map columns to fields", hint="one a line: Postal code: zip")
    return document


def errors_path(args: argparse.Namespace) -> Path:
    """Where rows go that were not taken. Raises UsageError."""
    path: Path = args.errors or args.file.with_name(args.file.name + SUFFIX)
    if path.resolve() == args.file.resolve():
        raise UsageError("--errors names the file that is posted", hint="name another one")
    return path


def progress_path(args: argparse.Namespace) -> Path:
    """Where it is noted what has been posted."""
    suffix = TEST_SUFFIX if args.test else PROGRESS_SUFFIX
    path: Path = args.progress or args.file.with_name(args.file.name + suffix)
    return path
