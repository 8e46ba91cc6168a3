"""What can go wrong with the embedded stack, in sentences a person can act on."""


class StackError(Exception):
    """One sentence that says what is wrong and what to do; the CLI prints it and exits 1."""


class BinaryMissing(StackError):
    """A server program is not on this machine, or cannot run on it."""


class PortTaken(StackError):
    """A port that was asked for belongs to another program."""


class NotReady(StackError):
    """A server or service did not come up in time."""
