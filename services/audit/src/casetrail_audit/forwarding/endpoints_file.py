"""The endpoints: a YAML file.

webhooks:
  - name: courier-desk
    url: https://courier.example/hooks/casetrail
    secrets: [file:/run/secrets/courier-new, env:COURIER_SECRET]
    workspace: main
    subjects: [ticket.*, conversation.closed]
    start: new
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml
from casetrail_runtime.publisher.facts import covers
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text

from casetrail_audit.forwarding.endpoint import Endpoint, Start, secret_of

_NAME: Final = re.compile(r"[a-z0-9_-]{1,40}")
_WORKSPACE: Final = re.compile(r"[a-z0-9_-]{1,80}")
_SUBJECT: Final = re.compile(r"(\*|[a-z0-9_-]+)\.(\*|[a-z0-9_-]+)")
_STARTS: Final[Mapping[str, Start]] = {"new": "new", "beginning": "beginning"}


def load_endpoints(path: Path, env: Mapping[str, str] | None = None) -> tuple[Endpoint, ...]:
    """The endpoints of the file, with their secrets.

    Raises:
        FileInvalid: all faults at once, each with its line and never with a secret.
    """
    return parse_endpoints(read_text(path), path.name, os.environ if env is None else env)


def parse_endpoints(text: str, name: str, env: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """The endpoints of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    if root is None:
        raise FileInvalid(name, ["line 1: the file is empty; it needs webhooks"])
    reader = _Reader(env)
    found = reader.whole(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return found


class _Reader(YamlReader):
    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__()
        self._env = env

    def whole(self, root: yaml.Node) -> tuple[Endpoint, ...]:
        fields = self.fields(root, "the file", required=("webhooks",), optional=())
        found: list[Endpoint] = []
        for node in self.items(fields["webhooks"], "webhooks") if fields else []:
            endpoint = self._endpoint(node)
            if endpoint is None:
                continue
            if any(endpoint.name == other.name for other in found):
                self.fault(node, f"the webhook {endpoint.name} is there twice")
            found.append(endpoint)
        return tuple(found)

    def _endpoint(self, node: yaml.Node) -> Endpoint | None:
        needed, more = ("name", "url", "secrets"), ("workspace", "subjects", "start")
        fields = self.fields(node, "a webhook", required=needed, optional=more)
        if not fields.keys() >= set(needed):
            return None
        name = self._matching(fields["name"], "name", _NAME)
        url = self._url(fields["url"])
        secrets = [self._secret(each) for each in self.items(fields["secrets"], "secrets")]
        workspace: str | None = "*"
        if "workspace" in fields:
            workspace = self._matching(fields["workspace"], "workspace", _WORKSPACE)
        wanted: list[str] = ["*.*"]
        if "subjects" in fields:
            wanted = self._subjects(fields["subjects"])
        start = self._start(fields["start"]) if "start" in fields else "new"
        if name is None or url is None or workspace is None:
            return None
        subjects = tuple(f"audit.{workspace}.{each}" for each in wanted)
        return Endpoint(name, url, tuple(s for s in secrets if s is not None), subjects, start)

    def _matching(self, node: yaml.Node, what: str, pattern: re.Pattern[str]) -> str | None:
        text = self.text(node, what)
        if text is not None and pattern.fullmatch(text) is None:
            self.fault(node, f"{what} must be of the letters a-z, digits, - and _; {text!r} is not")
            return None
        return text

    def _url(self, node: yaml.Node) -> str | None:
        text = self.text(node, "url")
        if text is None:
            return None
        try:
            parts = urlsplit(text)
            fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits or "@" in parts.netloc or parts.fragment:
            self.fault(node, "url must be https://HOST/PATH, without a user and without #")
            return None
        return text

    def _secret(self, node: yaml.Node) -> bytes | None:
        text = self.text(node, "a secret")
        if text is None:
            return None
        kind, _, where = text.partition(":")
        if kind == "env" and where:
            found = self._env.get(where)
        elif kind == "file" and where:
            try:
                found = Path(where).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError):
                found = None
        else:
            self.fault(node, "a secret stands as file:PATH or env:NAME, never itself in this file")
            return None
        if not found:
            self.fault(node, f"there is no secret in {text}")
            return None
        try:
            return secret_of(found)
        except ValueError as fault:
            self.fault(node, f"the secret in {text} cannot be used: {fault}")
            return None

    def _subjects(self, node: yaml.Node) -> list[str]:
        found: list[str] = []
        for each in self.items(node, "subjects"):
            text = self.text(each, "a subject")
            if text is None:
                continue
            if _SUBJECT.fullmatch(text) is None:
                self.fault(each, f"a subject is NOUN.VERB, * for any; {text!r} is not")
                continue
            for other in found:
                if covers(other, text) or covers(text, other):
                    self.fault(each, f"{text} and {other} meet: the same record would count twice")
            found.append(text)
        return found

    def _start(self, node: yaml.Node) -> Start:
        start = _STARTS.get(self.text(node, "start") or "")
        if start is None:
            self.fault(node, "start must be new (from now on) or beginning (the whole log)")
            return "new"
        return start
