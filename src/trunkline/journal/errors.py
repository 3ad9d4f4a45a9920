"""What can be wrong with a journal, in words for whoever runs the machine."""

from __future__ import annotations

from trunkline.kernel.errors import EnvironmentFault, ExitCode, Fault, TrunklineError


class JournalUnavailable(EnvironmentFault):
    """The journal does not take this now: the disk is full or failing, or the switch is stopping. Nothing was kept."""

    retryable = True


class JournalOverloaded(JournalUnavailable):
    """More is waiting for the disk than is allowed to wait."""

    fault = Fault.US


class JournalLocked(EnvironmentFault):
    """Another switch is writing in this data folder."""


class JournalMissing(EnvironmentFault):
    """There is no journal in this data folder, or it can not be opened."""


class JournalForeign(EnvironmentFault):
    """The file is not a journal of this switch: another program's, another switch's or a newer version's."""


class JournalDamaged(TrunklineError):
    """What the journal holds is not what was written into it."""

    fault = Fault.OPERATOR
    exit_code = ExitCode.WRONG


class SqliteTooOld(EnvironmentFault):
    """The SQLite library can damage a journal that is written and checkpointed at once."""
