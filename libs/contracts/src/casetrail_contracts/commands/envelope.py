"""What every command and every reply carries."""

from contextvars import ContextVar
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from casetrail_contracts.envelope import Actor
from casetrail_contracts.subjects import command_subject

UNDER_WAY: Final[ContextVar[str | None]] = ContextVar("digest_of_command", default=None)
"""`Command.digest` of the command that is being carried out: every reply made meanwhile bears it,
so that it is stored with the reply, wherever a service stores that."""


def _digest_under_way() -> str | None:
    return UNDER_WAY.get()


class Body(BaseModel):
    """What a person sends; a field nobody knows is refused, so that a typing mistake is noticed."""

    model_config = ConfigDict(extra="forbid")


class Command(BaseModel):
    """What every command carries beside its body.

    `id` is derived from the caller and the `Idempotency-Key`; the same id again answers the same
    reply. `expected_version` refuses the command when the aggregate has moved on (409). `digest`
    tells what was asked from something else asked under the same id: 16 bits of a hash, enough to
    notice a mistake and too few to tell anything of what a person wrote.
    """

    model_config = ConfigDict(extra="ignore")

    service: ClassVar[str]
    verb: ClassVar[str]

    id: str = Field(min_length=1, max_length=200)
    workspace: str = Field(pattern=r"^[a-z0-9_-]+$")
    actor: Actor
    on_behalf_of: Actor | None = None
    correlation_id: str | None = None
    expected_version: int | None = Field(default=None, ge=0)
    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{4}$")

    @classmethod
    def subject(cls) -> str:
        """The NATS subject this command is sent on."""
        return command_subject(cls.service, cls.verb)

    @classmethod
    def command_name(cls) -> str:
        """`service.verb`."""
        return f"{cls.service}.{cls.verb}"


class CommandReply(BaseModel):
    """What became of a command.

    `ok`: done, `result` says what (ids, status), `version` is the aggregate's new version.
    `rejected`: a rule of the domain says no; `code` is stable, `detail` tells a person what to do.
    `failed`: nothing is known to be done (`invalid` input, `internal` fault); safe to repeat.
    """

    status: Literal["ok", "rejected", "failed"]
    code: str | None = None
    detail: str | None = None
    result: dict[str, Any] = Field(default_factory=dict)
    version: int | None = None
    digest: str | None = Field(default_factory=_digest_under_way)

    @classmethod
    def ok(cls, version: int | None = None, **result: Any) -> "CommandReply":
        """The reply of a command that took effect."""
        return cls(status="ok", result=result, version=version)

    @classmethod
    def rejected(cls, code: str, detail: str, **result: Any) -> "CommandReply":
        """The reply of a command that a rule refuses."""
        return cls(status="rejected", code=code, detail=detail, result=result)

    @classmethod
    def failed(cls, code: str, detail: str) -> "CommandReply":
        """The reply of a command that could not be judged."""
        return cls(status="failed", code=code, detail=detail)
