"""Settings of a service: read once from the environment, checked all at once, then frozen."""

import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from casetrail_runtime.nkeys import UserKey

MIN_KEY_LENGTH: Final = 32
"""Characters of a workspace key: an HMAC key shorter than its hash weakens the ids it makes."""

_NATS_SCHEMES: Final = ("nats", "tls", "ws", "wss")
_DATABASE_NAME: Final = re.compile(r'[^/\\. "$*<>:|?\x00]{1,63}')
EXIT_CODE: Final = 2

S = TypeVar("S", bound="ServiceSettings")


def _nats_url(value: SecretStr) -> SecretStr:
    for url in value.get_secret_value().split(","):
        parts = urlsplit(url.strip())
        if parts.scheme not in _NATS_SCHEMES or not parts.hostname:
            raise ValueError(
                "is not a NATS address: write nats://HOST:4222, or several with commas between"
            )
    return value


def _mongo_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("mongodb", "mongodb+srv") or not parts.netloc:
        raise ValueError("is not a MongoDB address: write mongodb://HOST:27017/DATABASE")
    database = parts.path.removeprefix("/")
    if not database:
        raise ValueError(
            "names no database: write it after the host and before any '?', "
            "as in mongodb://HOST:27017/DATABASE?replicaSet=rs0"
        )
    if _DATABASE_NAME.fullmatch(database) is None:
        raise ValueError(
            "names a database that MongoDB does not allow: use letters, digits, _ or -"
        )
    return value


def _key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_KEY_LENGTH:
        raise ValueError(f"is too short: use at least {MIN_KEY_LENGTH} random characters")
    return value


def _nkey(value: SecretStr) -> SecretStr:
    UserKey.from_seed(value.get_secret_value())
    return value


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    items = [item.strip() for item in value.split(",")]
    if not all(items):
        raise ValueError("has an empty item: separate the values by single commas")
    return items


def _json_object(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        pairs: Any = json.loads(value, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not JSON at character {error.pos}: write an object like {{}}"
        ) from None
    if not isinstance(pairs, dict) or not pairs:
        raise ValueError('is not a JSON object with an entry: write {"name": "value"}')
    return pairs


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("names the same key twice")
    return found


def _port(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("tcp://"):
        raise ValueError(
            "was set by Kubernetes for a service of that name: "
            "set enableServiceLinks: false in the pod"
        )
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _http_url(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https"):
        raise ValueError("is not an http:// or https:// address")
    return value


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


NatsUrl = Annotated[SecretStr, AfterValidator(_nats_url)]
"""`nats://HOST:4222`, or several with commas; secret because it may carry a password."""
MongoUrl = Annotated[SecretStr, AfterValidator(_mongo_url)]
"""`mongodb://HOST:27017/DATABASE`; the database must be named."""
NatsKey = Annotated[SecretStr, AfterValidator(_nkey)]
"""The seed of a user's NKEY."""
WorkspaceKey = Annotated[SecretStr, AfterValidator(_key)]
"""The secret that conversation and message ids are derived with."""
SecretList = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split), Field(min_length=1)]
"""Secrets separated by commas, at least one: a list so that one can be exchanged for the next."""
TextList = Annotated[list[str], NoDecode, BeforeValidator(_split)]
"""Texts separated by commas."""
JsonMap = Annotated[dict[str, str], NoDecode, BeforeValidator(_json_object)]
"""A JSON object of texts, such as `{"106540352242922": "main"}`."""
Port = Annotated[int, BeforeValidator(_port), Field(ge=0, le=65535)]
"""A TCP port; 0 lets the system choose."""
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_lower)
]
HttpUrl = Annotated[str, AfterValidator(_http_url)]


class _Files(PydanticBaseSettingsSource):
    """Values that stand in files: `NAME_FILE` names the file, in place of `NAME`.

    A secret that an orchestrator mounts is then in no environment, which processes hand on and
    crash reports print. White space around the value is no part of it.
    """

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """The text of the field's file; None when no variable names one."""
        del field
        variable = f"{self.config.get('env_prefix', '')}{field_name}".upper()
        if f"{field_name}_file" in self.settings_cls.model_fields:
            return None, field_name, False
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            return None, field_name, False
        if os.environ.get(variable):
            raise SettingsError(f"{variable} and {variable}_FILE are both set: set one of them")
        try:
            text = Path(path).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise SettingsError(f"{variable}_FILE cannot be read: {reason}") from None
        if not text:
            raise SettingsError(f"{variable}_FILE names an empty file")
        return text, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every value that stands in a file."""
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found


class ServiceSettings(BaseSettings):
    """What every service needs. A subclass sets `env_prefix` and its own port and fields.

    `model_config = SettingsConfigDict(env_prefix="ROUTING_")`; secrets have no default. A service
    that keeps something in MongoDB starts from `MongoServiceSettings`.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    nats_url: NatsUrl = Field(description="where NATS is, as nats://HOST:4222")
    nats_nkey: NatsKey | None = Field(
        default=None, description="seed of the NKEY this service is known by at NATS, SU…"
    )
    nats_ca_file: FilePath | None = Field(
        default=None,
        description="certificates (PEM) NATS' own is checked against, for tls://; unset: the "
        "system's",
    )
    host: str = Field(default="127.0.0.1", description="address the HTTP server listens on")
    port: Port = Field(default=0, description="port the HTTP server listens on")
    keep_alive: int = Field(
        default=75,
        ge=1,
        description="seconds an idle HTTP connection stays open: longer than the proxy in front "
        "keeps it, or that sends into one which is just being closed",
    )
    log_level: LogLevel = Field(default="info", description="least level that is logged")
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto: console on a terminal, JSON elsewhere"
    )
    otlp_endpoint: HttpUrl | None = Field(
        default=None, description="where traces go (OTLP over HTTP); unset: nowhere"
    )
    instance: str = Field(
        default_factory=_instance,
        min_length=1,
        description="name of this process among its replicas, unique at any one time",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then files, then the environment."""
        del dotenv_settings, file_secret_settings
        return init_settings, _Files(settings_cls), env_settings

    @property
    def service_name(self) -> str:
        """`routing` for the prefix `ROUTING_`: names connections, logs and metrics."""
        return type(self).model_config.get("env_prefix", "").rstrip("_").lower() or "casetrail"


class MongoServiceSettings(ServiceSettings):
    """The settings of a service that keeps something in MongoDB."""

    mongo_url: MongoUrl = Field(
        description="where MongoDB is, with the database, as mongodb://HOST:27017/DATABASE"
    )

    @property
    def mongo_database(self) -> str:
        """The database that `mongo_url` names."""
        return urlsplit(self.mongo_url.get_secret_value()).path.removeprefix("/")


def load_settings(cls: type[S]) -> S:
    """The settings from the environment.

    When anything is missing or wrong, every fault is printed to stderr, one sentence each with the
    name of its variable and never its value, and the process exits with code 2.
    """
    try:
        return cls()
    except ValidationError as error:
        faults = [_sentence(cls, fault) for fault in error.errors(include_input=False)]
    except SettingsError as error:
        faults = [f"{error}."]
    for fault in dict.fromkeys(faults):
        print(fault, file=sys.stderr)  # noqa: T201 - logging is not set up before the settings
    raise SystemExit(EXIT_CODE)


def _sentence(cls: type[BaseSettings], fault: Any) -> str:
    location = [str(part) for part in fault["loc"]]
    field = cls.model_fields.get(location[0]) if location else None
    prefix = cls.model_config.get("env_prefix", "")
    variable = f"{prefix}{location[0]}".upper() if location else f"{prefix}*"
    if fault["type"] == "missing":
        meaning = "" if field is None or field.description is None else f": {field.description}"
        return f"{variable} is not set{meaning}."
    place = f" (item {'.'.join(location[1:])})" if location[1:] else ""
    message = fault["msg"].removeprefix("Value error, ").rstrip(".")
    joint = "" if fault["type"] == "value_error" else ":"
    return f"{variable}{place}{joint} {message}."
