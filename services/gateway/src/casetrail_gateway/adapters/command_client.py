"""Commands over NATS request/reply."""

from casetrail_contracts import Command, CommandReply
from casetrail_runtime.commands import CommandClient, CommandUnanswered

from casetrail_gateway.domain.errors import OutcomeUnknown


class NatsCommands:
    """The services behind `command.<service>.<verb>`."""

    def __init__(self, client: CommandClient, answer_within: float) -> None:
        self._client = client
        self._answer_within = answer_within

    async def send(self, command: Command) -> CommandReply:
        """The service's reply; `OutcomeUnknown` when there is none in time."""
        try:
            return await self._client.send(command, timeout=self._answer_within)
        except CommandUnanswered as error:
            raise OutcomeUnknown(
                f"{command.service} did not answer within {self._answer_within:g} s, so it is not "
                "known whether this was done. Repeat it with the same Idempotency-Key: it is then "
                "done at most once. Without a key, look at the timeline first."
            ) from error
