"""Settings: read from the environment, every fault said at once, no secret ever shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from casetrail_runtime.settings import (
    JsonMap,
    MongoServiceSettings,
    SecretList,
    ServiceSettings,
    TextList,
    WorkspaceKey,
    load_settings,
)
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

SECRET = "tr0ub4dor-and-more-than-32-characters"
GOOD = {
    "DESK_NATS_URL": f"nats://desk:{SECRET}@127.0.0.1:4222, tls://other:4222",
    "DESK_MONGO_URL": f"mongodb://desk:{SECRET}@h1:27017,h2:27017/desk?replicaSet=rs0",
    "DESK_KEY": SECRET,
    "DESK_TOKENS": f"{SECRET}, second",
    "DESK_WORKSPACES": '{"106540352242922": "main"}',
}


class DeskSettings(MongoServiceSettings):
    """Settings of a service, as its own module would have them."""

    model_config = SettingsConfigDict(env_prefix="DESK_")

    port: int = 8099
    key: WorkspaceKey = Field(description="what ids are derived with")
    tokens: SecretList = Field(description="tokens, the next one beside the last")
    workspaces: JsonMap = Field(description="number to workspace")
    subjects: TextList = Field(default=[], description="further subjects")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which everything is set rightly."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def faults(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is said about an environment that is wrong."""
    with pytest.raises(SystemExit) as left:
        load_settings(DeskSettings)
    assert left.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert SECRET not in shown.err
    return shown.err.splitlines()


def test_good_settings_are_read(environment: pytest.MonkeyPatch) -> None:
    """Types, lists, maps, defaults and the names derived from them."""
    environment.setenv("DESK_LOG_LEVEL", "WARNING")
    environment.setenv("DESK_SUBJECTS", "orders.>, returns.>")
    settings = load_settings(DeskSettings)
    assert [token.get_secret_value() for token in settings.tokens] == [SECRET, "second"]
    assert settings.workspaces == {"106540352242922": "main"}
    assert settings.subjects == ["orders.>", "returns.>"]
    assert (settings.service_name, settings.mongo_database) == ("desk", "desk")
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8099, "warning")
    assert settings.otlp_endpoint is None
    assert settings.instance


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    """Printing or logging the settings gives nothing away."""
    settings = load_settings(DeskSettings)
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    """What a service was started with is what it runs with."""
    settings = load_settings(DeskSettings)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_every_missing_variable_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One start tells everything that is to be set; an empty value is a missing one."""
    for name in GOOD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DESK_KEY", "")
    said = faults(capsys)
    assert [line.split()[0] for line in said] == [
        "DESK_NATS_URL",
        "DESK_MONGO_URL",
        "DESK_KEY",
        "DESK_TOKENS",
        "DESK_WORKSPACES",
    ]
    assert said[2] == "DESK_KEY is not set: what ids are derived with."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DESK_MONGO_URL": f"mongodb://u:{SECRET}@h:27017"}, "DESK_MONGO_URL names no database"),
        ({"DESK_MONGO_URL": "mongodb://h:27017/?replicaSet=rs0"}, "before any '?'"),
        ({"DESK_MONGO_URL": "mongodb://h:27017/a.b"}, "a database that MongoDB does not allow"),
        ({"DESK_MONGO_URL": f"postgres://u:{SECRET}@h/x"}, "is not a MongoDB address"),
        ({"DESK_NATS_URL": f"http://{SECRET}"}, "DESK_NATS_URL is not a NATS address"),
        ({"DESK_NATS_URL": "nats://h:4222,,"}, "DESK_NATS_URL is not a NATS address"),
        ({"DESK_KEY": "short"}, "DESK_KEY is too short: use at least 32"),
        ({"DESK_TOKENS": f"{SECRET},"}, "DESK_TOKENS has an empty item"),
        ({"DESK_WORKSPACES": f"{SECRET}"}, "DESK_WORKSPACES is not JSON at character"),
        ({"DESK_WORKSPACES": "{}"}, "DESK_WORKSPACES is not a JSON object with an entry"),
        ({"DESK_WORKSPACES": '["main"]'}, "DESK_WORKSPACES is not a JSON object"),
        ({"DESK_WORKSPACES": '{"1": "a", "1": "b"}'}, "DESK_WORKSPACES names the same key twice"),
        (
            {"DESK_WORKSPACES": '{"1": 2}'},
            "DESK_WORKSPACES (item 1): Input should be a valid string",
        ),
        ({"DESK_PORT": "high"}, "DESK_PORT: Input should be a valid integer"),
        ({"DESK_LOG_LEVEL": "loud"}, "DESK_LOG_LEVEL: Input should be 'debug', 'info'"),
        ({"DESK_OTLP_ENDPOINT": "collector:4318"}, "DESK_OTLP_ENDPOINT is not an http://"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: Mapping[str, str],
    said: str,
) -> None:
    """The sentence says which variable and how to write it."""
    for name, value in changes.items():
        environment.setenv(name, value)
    lines = faults(capsys)
    assert len(lines) == 1
    assert said in lines[0]


def test_a_port_that_kubernetes_set_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kubernetes sets <SERVICE>_PORT to an address for every service of a namespace."""

    class Settings(ServiceSettings):
        model_config = SettingsConfigDict(env_prefix="DESK_")

    monkeypatch.setenv("DESK_NATS_URL", "nats://h:4222")
    monkeypatch.setenv("DESK_PORT", "tcp://10.0.0.1:8082")
    with pytest.raises(SystemExit):
        load_settings(Settings)
    assert "enableServiceLinks: false" in capsys.readouterr().err


def test_building_settings_in_code_does_not_show_secrets_either() -> None:
    """A test or a script that gets it wrong sees no secret in the traceback."""
    with pytest.raises(ValidationError) as wrong:
        DeskSettings(nats_url=SecretStr(SECRET), mongo_url=SecretStr(SECRET))
    assert SECRET not in str(wrong.value)


def test_a_value_may_stand_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`NAME_FILE` in place of `NAME`: for every kind of value, without white space around it."""
    for name in ("DESK_KEY", "DESK_TOKENS", "DESK_WORKSPACES", "DESK_MONGO_URL"):
        file = tmp_path / name.lower()
        file.write_text(f"{GOOD[name]}\n")
        environment.delenv(name)
        environment.setenv(f"{name}_FILE", str(file))
    settings = load_settings(DeskSettings)
    assert settings.key.get_secret_value() == SECRET
    assert [token.get_secret_value() for token in settings.tokens] == [SECRET, "second"]
    assert settings.workspaces == {"106540352242922": "main"}
    assert settings.mongo_database == "desk"


def test_a_file_that_gives_no_value_is_told(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not there, empty, no text, or beside the variable itself; never with what is in it."""
    environment.setenv("DESK_KEY_FILE", str(tmp_path / "key"))
    assert faults(capsys) == ["DESK_KEY and DESK_KEY_FILE are both set: set one of them."]
    environment.delenv("DESK_KEY")
    assert faults(capsys) == ["DESK_KEY_FILE cannot be read: No such file or directory."]
    (tmp_path / "key").write_text(" \n")
    assert faults(capsys) == ["DESK_KEY_FILE names an empty file."]
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    assert faults(capsys) == ["DESK_KEY_FILE cannot be read: it is no UTF-8 text."]
    (tmp_path / "key").write_text("short")
    assert faults(capsys) == ["DESK_KEY is too short: use at least 32 random characters."]
