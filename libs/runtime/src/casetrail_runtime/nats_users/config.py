"""The users as a part of the server's configuration."""

from collections.abc import Mapping, Sequence
from typing import Final

from casetrail_runtime.nats_users.permissions import NatsUser, users

KEYS_FILE: Final = "nats-keys.conf"
ANSWER_WITHIN: Final = "1m"
"""How long a reply subject may be published to; a command is answered sooner."""
_HEAD: Final = """\
# Who may publish and hear what. Made by `make docs` from the registry of events and the durables of
# Casetrail: change those, not this. `$NAME` is the public key of a user.
"""


def variable(user: str) -> str:
    """The name of a user's public key in the configuration: `ROUTING_NKEY`."""
    return f"{user.upper()}_NKEY"


def keys_conf(public: Mapping[str, str]) -> str:
    """nats-keys.conf: the public key of each user; nothing in it is secret."""
    head = "# The public keys of the users in users.conf; the seeds are with the services.\n"
    return head + "".join(f'{variable(name)}: "{key}"\n' for name, key in public.items())


def users_conf(
    keys: str = f'include "{KEYS_FILE}"\n', passwords: Mapping[str, str] | None = None
) -> str:
    """users.conf: everybody's permissions.

    `keys` is where the public keys are, in this text itself: a file that is included does not see
    what the one that includes it says. A user in `passwords` comes in by name and password, not by
    key: for tools on one machine.
    """
    given = passwords or {}
    parts = (_user(user, given.get(user.name)) for user in users())
    return f"{_HEAD}{keys}\nauthorization {{\n  users: [\n" + "".join(parts) + "  ]\n}\n"


def _user(user: NatsUser, password: str | None) -> str:
    known_by = (
        f"nkey: ${variable(user.name)}"
        if password is None
        else f'user: "{user.name}", password: "{password}"'
    )
    answers = (
        f'        allow_responses: {{ max: 1, expires: "{ANSWER_WITHIN}" }}\n'
        if user.answers
        else ""
    )
    return (
        f"    # {user.name}: {user.about}\n"
        f"    {{\n      {known_by}\n      permissions: {{\n"
        f"{_list('publish', user.publish)}{_list('subscribe', user.subscribe)}{answers}"
        "      }\n    }\n"
    )


def _list(name: str, subjects: Sequence[str]) -> str:
    lines = "".join(f'          "{subject}"\n' for subject in subjects)
    return f"        {name}: [\n{lines}        ]\n"
