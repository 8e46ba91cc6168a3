"""Commands that write to a customer; the service ingest answers them."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from casetrail_contracts.commands.cases import OnCase
from casetrail_contracts.commands.envelope import Body
from casetrail_contracts.commands.fields import ShortText, Text

MediaType = Literal["image", "video", "audio", "document", "sticker"]


class TemplateBody(Body):
    """A template that WhatsApp approved: the only kind it takes a day after the customer wrote."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$", examples=["ur"])
    components: list[dict[str, Any]] = Field(default_factory=list, max_length=20)
    """What fills its places, as the Graph API takes it."""


class MediaBody(Body):
    """A file: the `id` of one uploaded before, or the `link` of one that WhatsApp can fetch."""

    type: MediaType
    id: str | None = Field(default=None, pattern=r"^[0-9A-Za-z_-]{1,200}$")
    link: str | None = Field(default=None, pattern=r"^https://\S{1,2000}$")
    caption: Text | None = None
    filename: ShortText | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.id is None) == (self.link is None):
            raise ValueError("name exactly one of id, link")
        return self


class ReactionBody(Body):
    """An emoji on a message of the case; an empty one takes the reaction back."""

    message_id: str = Field(pattern=r"^ms_[a-z2-7]{26}$")
    emoji: str = Field(max_length=16)


class SendMessageBody(Body):
    """Write to the customer: exactly one of text, template, media, reaction."""

    text: str | None = Field(default=None, min_length=1, max_length=4096)
    template: TemplateBody | None = None
    media: MediaBody | None = None
    reaction: ReactionBody | None = None
    reply_to: str | None = Field(default=None, pattern=r"^ms_[a-z2-7]{26}$")
    """The message of the case that is answered, by its `message_id`."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        said = (self.text, self.template, self.media, self.reaction)
        if sum(part is not None for part in said) != 1:
            raise ValueError("send exactly one of text, template, media, reaction")
        if self.text is not None and not self.text.strip():
            raise ValueError("the text is empty")
        if self.reaction is not None and self.reply_to is not None:
            raise ValueError("a reaction names its message itself: leave reply_to out")
        return self


class SendMessage(OnCase, SendMessageBody):
    """Sends a message to the customer of a case."""

    model_config = ConfigDict(extra="ignore")
    service = "ingest"
    verb = "send"

    phone_number_id: str = Field(min_length=1, max_length=64)
    """The business number the customer wrote to."""
    wa_id: str | None = None
    user_id: str | None = None
    """Who it goes to; WhatsApp's number of the customer when known, else the user id."""
    about_wamid: str | None = None
    """WhatsApp's own id of the message that is answered or reacted to."""
