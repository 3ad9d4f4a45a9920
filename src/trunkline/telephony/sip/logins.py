"""Passwords of trunks, taken from the environment: they stand in no file, no log, no journal and no trace."""

from __future__ import annotations

from collections.abc import Mapping

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
        for trunk in platform.trunks:
            key, outbound, auth = trunk.key, trunk.outbound, trunk.auth
            if outbound is not None and outbound.username is not None and outbound.password_env is not None:
                if password := environment.get(outbound.password_env):
                    registers = outbound.register is not None
                    self.ours[key] = Credentials(
                        key, outbound.username, password, realm=outbound.realm, registers=registers
                    )
                else:
                    missing.append((outbound.password_env, key))
            if auth is not None:
                if password := environment.get(auth.password_env):
                    self.theirs[key] = Credentials(key, auth.username, password)
                else:
                    missing.append((auth.password_env, key))
        if missing:
            named = ", ".join(f"{variable} (trunk {key})" for variable, key in missing)
            raise MissingPassword(
                f"no password is set for {named}",
                hint="set each variable in the environment that the switch is started in, for example in the unit file "
                "of the service; or take `password_env` out",
            )
