"""An event as it goes out: written once, whether it goes to the stream or to disk first."""

from dataclasses import dataclass

URGENT = ".channel.call_"


@dataclass(slots=True)
class Outgoing:
    """The bytes of an event, with its subject and id."""

    subject: str
    id: str
    data: bytes

    def is_a(self, kind: str) -> bool:
        """Whether its `noun.verb` is this one."""
        return self.subject.endswith(f".{kind}")

    @property
    def urgent(self) -> bool:
        """True for calls, which have to be answered within half a minute."""
        return URGENT in self.subject
