"""What the people of the demo say. All of it comes rendered with the package, so nothing has to be installed."""

from __future__ import annotations

from functools import cache
from typing import Final

from trunkline.codec import wav
from trunkline.media.prompts import shipped_prompt

ACCIDENT: Final = "Hello. Somebody ran into my car on the highway last week, and my neck still hurts."
RED_LIGHT: Final = "Hi, yes. The other driver ran a red light. I have photographs and the police report."
STORM: Final = "Good morning. A tree came down in the storm and now my roof is leaking."
CALLER_LINES: Final = (ACCIDENT, RED_LIGHT, STORM)

INTAKE: Final = "Law office, intake desk. Thank you for calling. Please tell me what happened."
CASE_MANAGER: Final = "You are through to a case manager. I have a few questions, it will not take long."
ROOFER: Final = "Roofing office, good to hear from you. What is the address?"
ECHO: Final = "You are connected. This line now repeats what you say. Hang up when you have heard enough."
BUYER_LINES: Final = (INTAKE, CASE_MANAGER, ROOFER)


@cache
def speech(text: str) -> bytes:
    """16-bit PCM of 8 kHz of one of the texts above."""
    path = shipped_prompt("en", text)
    assert path is not None, f"render the prompts: {text!r} is missing"
    return wav.read(path.read_bytes())
