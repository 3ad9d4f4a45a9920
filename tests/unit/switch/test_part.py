"""What a call leaves behind when it is over: nothing that waits for the collector."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest

from trunkline.switch.livecall import LiveCall
from trunkline.switch.registry import Registry

pytestmark = pytest.mark.unit


def test_a_call_goes_with_the_last_of_its_legs_and_not_when_the_collector_comes_by() -> None:
    registry = Registry()
    plant: Any = SimpleNamespace(
        media=SimpleNamespace(close=lambda leg: None),
        clock=lambda: SimpleNamespace(mono_ns=0),
        queues=SimpleNamespace(leave=lambda call: None),
    )
    caller: Any = SimpleNamespace(sip=1, media="call_1", seat=SimpleNamespace(ended=lambda now_ns: None))
    machine: Any = SimpleNamespace(context=SimpleNamespace(call="call_1"))
    nobody: Any = None
    call = LiveCall(plant, nobody, machine, nobody, nobody, caller, registry, None)
    gone = ref(call)
    gc.disable()
    try:
        call._finish()
        del call
        assert gone() is not None, "its legs have not said their last word"
        assert registry.sip.pop(1).call is registry.closing.pop("call_1").call
        assert gone() is None
    finally:
        gc.enable()
