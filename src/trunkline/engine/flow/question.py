"""One question to the caller: a prompt, keys, a silence that ends it, and a number of tries.

Menu, yes_no, language and collect are all questions; they differ in how many keys an answer has and which are valid.
Keys pressed while the prompt is heard count (barge-in). The time for the next key starts when the prompt has ended
and again with every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from trunkline.config.flows import Collect, Language, Menu, Prompt, YesNo
from trunkline.kernel.clock import SECOND

YES_NO_KEYS = {"1": "yes", "2": "no"}
"""What the keys of a yes_no node mean."""


class Verdict(Enum):
    """What a key or a silence does to a question."""

    MORE = "more"
    ANSWERED = "answered"
    INVALID = "invalid"
    SILENT = "silent"


class Answer(msgspec.Struct, frozen=True):
    """An answer and where it leads: the keys pressed, the value to store, the next node."""

    keys: str
    value: str
    next: str


class Question:
    """The state of one question being asked; `verdict` tells what the latest key or silence meant."""

    __slots__ = ("_choices", "_finish", "_length", "_min_length", "_next", "_values", "keys", "node", "tries_left")

    def __init__(self, node: Menu | YesNo | Language | Collect) -> None:
        self.node = node
        self.tries_left = node.tries
        self.keys = ""
        self._finish, self._length, self._min_length = "", 1, 1
        self._choices: Mapping[str, str] = {}
        self._values: Mapping[str, str] = {}
        self._next = ""
        match node:
            case Menu():
                self._choices = node.choices
            case YesNo():
                self._choices, self._values = {"1": node.yes, "2": node.no}, YES_NO_KEYS
            case Language():
                self._choices, self._values = dict.fromkeys(node.choices, node.next), node.choices
            case Collect():
                self._finish, self._length, self._next = node.finish, node.digits, node.next
                self._min_length = node.digits if node.min_digits is None else node.min_digits

    @property
    def wait_ns(self) -> int:
        """How long a silence may last before it ends the try."""
        return self.node.seconds * SECOND

    @property
    def sensitive(self) -> bool:
        """Whether the keys may never be stored."""
        return isinstance(self.node, Menu | Collect) and self.node.sensitive

    def press(self, digit: str) -> Verdict:
        """Take one key."""
        if self._choices:
            self.keys = digit
            return Verdict.ANSWERED if digit in self._choices else Verdict.INVALID
        if digit == self._finish:
            return Verdict.ANSWERED if len(self.keys) >= self._min_length else Verdict.INVALID
        if not digit.isdigit():
            return Verdict.INVALID
        self.keys += digit
        return Verdict.ANSWERED if len(self.keys) == self._length else Verdict.MORE

    def silence(self) -> Verdict:
        """Take the end of the waiting time."""
        if self.keys and not self._choices and len(self.keys) >= self._min_length:
            return Verdict.ANSWERED
        return Verdict.SILENT

    def retry(self) -> tuple[Prompt, ...] | None:
        """Use up one try; the prompts to play for the next one, or None when there is none left."""
        self.tries_left -= 1
        wrong, self.keys = self.keys, ""
        if self.tries_left <= 0:
            return None
        invalid = self.node.invalid if isinstance(self.node, Menu | Collect) and wrong else ()
        return (*invalid, *self.node.prompts)

    def answer(self) -> Answer:
        """What was answered; only after ANSWERED."""
        return Answer(self.keys, self._values.get(self.keys, self.keys), self._choices.get(self.keys, self._next))
