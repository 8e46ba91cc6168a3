"""An event as it goes out: written once, whether it goes to the stream or to disk first."""

from dataclasses import dataclass

URGENT = "channel.call_"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The bytes of an event, with its subject and id."""

    subject: str
    id: str
    data: bytes

    @property
    def kind(self) -> str:
        """`noun.verb`: the last two parts of the subject."""
        return ".".join(self.subject.rsplit(".", 2)[-2:])

    @property
    def urgent(self) -> bool:
        """True for calls, which have to be answered within half a minute."""
        return self.kind.startswith(URGENT)
