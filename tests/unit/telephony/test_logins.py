"""Passwords come from the environment, and nowhere else."""

from __future__ import annotations

import pytest

from trunkline.config.schema import Platform
from trunkline.config.trunks import Trunk, TrunkAuth, TrunkOutbound, TrunkRegister
from trunkline.kernel.errors import ExitCode, Fault
from trunkline.telephony.sip.logins import Logins, MissingPassword

pytestmark = pytest.mark.unit

PLATFORM = Platform(
    trunks=(
        Trunk(key="ip", outbound=TrunkOutbound(proxy="sip:h")),
        Trunk(key="both", outbound=TrunkOutbound(proxy="sip:h", username="out", password_env="OUT"),
              auth=TrunkAuth(username="in", password_env="IN")),
        Trunk(key="pbx", auth=TrunkAuth(username="pbx", password_env="PBX")),
    )
)  # fmt: skip


def test_each_trunk_has_the_credentials_that_it_names() -> None:
    logins = Logins(PLATFORM, {"OUT": "o", "IN": "i", "PBX": "p", "HOME": "/"})
    assert {key: (login.username, login.password) for key, login in logins.ours.items()} == {"both": ("out", "o")}
    assert {key: (login.name, login.username, login.password) for key, login in logins.theirs.items()} == {
        "both": ("both", "in", "i"),
        "pbx": ("pbx", "pbx", "p"),
    }


def test_a_login_knows_its_realm_and_whether_it_registers() -> None:
    plain = TrunkOutbound(proxy="sip:h", username="u", password_env="P")
    bound = TrunkOutbound(proxy="sip:h", username="u", password_env="P", realm="r", register=TrunkRegister())
    ours = Logins(Platform(trunks=(Trunk(key="a", outbound=plain), Trunk(key="b", outbound=bound))), {"P": "x"}).ours
    assert {key: (login.realm, login.registers) for key, login in ours.items()} == {
        "a": (None, False),
        "b": ("r", True),
    }


def test_all_missing_passwords_are_named_at_once() -> None:
    with pytest.raises(MissingPassword) as caught:
        Logins(PLATFORM, {"IN": "i", "PBX": ""})
    assert "OUT (trunk both), PBX (trunk pbx)" in caught.value.message
    assert (caught.value.fault, caught.value.exit_code) == (Fault.OPERATOR, ExitCode.ENVIRONMENT)


def test_without_logins_no_environment_is_needed() -> None:
    assert Logins(Platform(trunks=(Trunk(key="ip", allow=("192.0.2.0/24",)),)), {}).theirs == {}
