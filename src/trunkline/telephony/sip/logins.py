"""Passwords of trunks, taken from the environment: they stand in no file, no log, no journal and no trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trunkline.config.schema import Platform
from trunkline.kernel.errors import EnvironmentFault
from trunkline.sip.digest import Credentials


class MissingPassword(EnvironmentFault):
    """An environment variable that the configuration takes a password from is not set, or empty."""


class Logins:
    """The credentials of one configuration by the key of their trunk.

    `ours` prove us to carriers, `theirs` prove carriers and PBXs to us. Raises MissingPassword naming every variable
    of `environment` that is needed and not there.
    """

    def __init__(self, platform: Platform, environment: Mapping[str, str]) -> None:
        self.ours: dict[str, Credentials] = {}
        self.theirs: dict[str, Credentials] = {}
        missing: list[tuple[str, str]] = []
        for into, key, username, variable in _wanted(platform, self.ours, self.theirs):
            password = environment.get(variable, "")
            if password:
                into[key] = Credentials(key, username, password)
            else:
                missing.append((variable, key))
        if missing:
            named = ", ".join(f"{variable} (trunk {key})" for variable, key in missing)
            raise MissingPassword(
                f"no password is set for {named}",
                hint="set each variable in the environment that the switch is started in, for example in the unit file "
                "of the service; or take `password_env` out",
            )


def _wanted(
    platform: Platform, ours: dict[str, Credentials], theirs: dict[str, Credentials]
) -> Iterator[tuple[dict[str, Credentials], str, str, str]]:
    """Where it belongs, trunk, user name and variable of every password."""
    for trunk in platform.trunks:
        outbound, auth = trunk.outbound, trunk.auth
        if outbound is not None and outbound.username is not None and outbound.password_env is not None:
            yield ours, trunk.key, outbound.username, outbound.password_env
        if auth is not None:
            yield theirs, trunk.key, auth.username, auth.password_env
