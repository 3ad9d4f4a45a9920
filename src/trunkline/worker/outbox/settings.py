"""The configuration in force, with its secrets, for whoever sends what waits."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from trunkline.config.lookup import AccountIndex
from trunkline.config.schema import Snapshot, Target
from trunkline.config.secrets import MissingSecret, Secrets, secrets_of
from trunkline.journal.configurations import ConfigurationMissing, Configurations

log = logging.getLogger("trunkline.outbox")


class Settings:
    """One configuration; replaced whole when another comes into force."""

    def __init__(self, snapshot: Snapshot, secrets: Secrets) -> None:
        self.digest = snapshot.digest
        self.outbound = snapshot.platform.outbound
        self.secrets = secrets
        self.accounts = {config.account.key: AccountIndex(config) for config in snapshot.accounts}

    def target(self, account: str, key: str) -> Target | None:
        """The target of that key, None when there is none (any more)."""
        index = self.accounts.get(account)
        return None if index is None else index.targets.get(key)


class SettingsSource:
    """Looks which configuration is in force. Blocks: for use in a thread."""

    def __init__(self, data: Path, environment: Mapping[str, str]) -> None:
        self._kept = Configurations(data)
        self._environment = environment
        self._current: Settings | None = None
        self._refused = ""

    def current(self) -> Settings | None:
        """The configuration in force; None while there is none, or one whose secrets are not in our environment."""
        try:
            digest = self._kept.in_force()
            if self._current is not None and self._current.digest == digest:
                return self._current
            snapshot = self._kept.get(digest)
        except ConfigurationMissing as error:
            self._tell(error.message)
            return self._current
        try:
            self._current = Settings(snapshot, secrets_of(snapshot, self._environment))
        except MissingSecret as error:
            self._tell(f"nothing is sent: {error.message}; {error.hint}")
            self._current = None
        else:
            self._refused = ""
        return self._current

    def _tell(self, words: str) -> None:
        """Say it once."""
        if words != self._refused:
            self._refused = words
            log.error("%s", words)
