"""What criteria and their operators mean, for the reference page of the configuration."""

from __future__ import annotations

from typing import Final

from trunkline.config.criteria import CONFIDENCE, Operator
from trunkline.config.patterns import PATTERN_LENGTH_MAX
from trunkline.config.scalars import MILES_MAX

CRITERIA_TOP: Final = f"""\
## Criteria

A node is `{{all: [nodes]}}`, `{{any: [nodes]}}`, `{{not: node}}` or a condition `{{attr: NAME, OPERATOR: VALUE}}`;
several of these in one node, or several operators in one condition, must all hold. A condition on an attribute that
is not known is unknown, `not` keeps it unknown, and only what is true passes; `exists` is never unknown.

**Types.** Text compares trimmed, in NFC and by full case folding; a look-alike letter of another alphabet is another
letter. Numbers are plain decimal digits (`09` is `9`, `1e3` is no number), dates are `2026-12-25`, `yes` is `true`. A
value of a caller that is none of its attribute's type is unknown. A condition that compares unlike types is an error.

**Sets.** `caller.skills` holds several texts, separated by commas: one that fulfils the condition is enough, and for
`not_in` none may be listed. `geo.county` and `geo.city` that an area code means are sets with probabilities: a
condition is true when the values that fulfil it have at least `confidence` together ({CONFIDENCE} unless
`confidence` stands beside the operator), false when they have at most what is left of 1, else unknown. Counties are
written `Travis, TX`; `County`, `Parish` and the way `Saint` is written do not matter.

**Lists in files.** `{{attr: geo.zip, in: {{file: "lists/zips.txt"}}}}` reads one value a line from a text file in the
folder of the configuration; `#` begins a comment. The list is part of the configuration: it is read with it, a
running switch reads it again when it changes, and both are refused together.
"""

OPERATOR_WORDS: Final = {
    Operator.EQ: ("a value", "the value is this one"),
    Operator.IN: ("a list, or `{file: NAME}`", "the value is one of the list"),
    Operator.NOT_IN: ("a list, or `{file: NAME}`", "the value is known and none of the list"),
    Operator.PREFIX: ("a text, a list, or `{file: NAME}`", "the text begins with this, or with one of these"),
    Operator.CONTAINS: ("a text or a list", "this, or one of these, stands somewhere in the text"),
    Operator.REGEX: (
        f"an expression of up to {PATTERN_LENGTH_MAX} characters",
        (
            "the expression is found in the text; upper and lower case are alike. It is one of RE2's, which takes "
            "time in proportion to the text: no look-ahead, no back references"
        ),
    ),
    Operator.EXISTS: ("`true` or `false`", "the attribute is known, or is not"),
    Operator.LT: ("a number or date", "the value is below it"),
    Operator.LTE: ("a number or date", "the value is below it, or equal"),
    Operator.GT: ("a number or date", "the value is above it"),
    Operator.GTE: ("a number or date", "the value is above it, or equal"),
    Operator.BETWEEN: ("a list of two", "the value is between them, or one of them"),
    Operator.NEAR: (
        '`{zip: "78701", miles: 50}`',
        (
            f"the ZIP code lies within so many miles (1 to {MILES_MAX}), centre to centre; one without a known place "
            "is unknown"
        ),
    ),
}
"""By operator: what stands behind it, and when it is true."""
