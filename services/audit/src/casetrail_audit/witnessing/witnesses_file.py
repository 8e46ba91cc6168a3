"""Who is asked to witness the log: a YAML file.

quorum: 2
witnesses:
  - key: witness.example/w1+e4d3…+BAE…
    url: https://witness.example/w1
"""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.keys import COSIGNATURE_V1, VerifierKey
from casetrail_runtime.yaml_file import FileInvalid, YamlReader, compose, read_text

from casetrail_audit.witnessing.protocol import Witness, Witnesses

_INT: Final = "tag:yaml.org,2002:int"


def load_witnesses(path: Path | None) -> Witnesses:
    """The witnesses of the file; none when `path` is None.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    return Witnesses() if path is None else parse_witnesses(read_text(path), path.name)


def parse_witnesses(text: str, name: str) -> Witnesses:
    """The witnesses of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    if root is None:
        raise FileInvalid(name, ["line 1: the file is empty; it needs quorum and witnesses"])
    reader = _Reader()
    found = reader.whole(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return found


class _Reader(YamlReader):
    def whole(self, root: yaml.Node) -> Witnesses:
        fields = self.fields(root, "the file", required=("quorum", "witnesses"), optional=())
        listed = self.items(fields["witnesses"], "witnesses") if "witnesses" in fields else []
        found: list[Witness] = []
        for node in listed:
            witness = self._witness(node)
            if witness is None:
                continue
            if any(witness.key.name == other.key.name for other in found):
                self.fault(node, f"the witness {witness.key.name} is there twice")
            found.append(witness)
        quorum = self._quorum(fields["quorum"], len(listed)) if "quorum" in fields else 0
        return Witnesses(tuple(found), quorum)

    def _witness(self, node: yaml.Node) -> Witness | None:
        fields = self.fields(node, "a witness", required=("key", "url"), optional=())
        key = self._key(fields["key"]) if "key" in fields else None
        url = self._url(fields["url"]) if "url" in fields else None
        return None if key is None or url is None else Witness(key, url)

    def _key(self, node: yaml.Node) -> VerifierKey | None:
        text = self.text(node, "key")
        if text is None:
            return None
        try:
            key = VerifierKey.parse(text)
        except EvidenceError as fault:
            self.fault(node, f"key is no verifier key: {fault}")
            return None
        if key.algorithm != COSIGNATURE_V1:
            self.fault(node, "key is of a log; a witness's key has the signature type 0x04")
            return None
        return key

    def _url(self, node: yaml.Node) -> str | None:
        text = self.text(node, "url")
        if text is None:
            return None
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
            self.fault(node, f"url must be http(s)://HOST/PATH; {text!r} is not")
            return None
        return text

    def _quorum(self, node: yaml.Node, most: int) -> int:
        if not isinstance(node, yaml.ScalarNode) or node.tag != _INT:
            self.fault(node, "quorum must be a number")
            return 0
        quorum = int(node.value)
        if not 1 <= quorum <= most:
            self.fault(node, f"quorum must be 1 to {most}, the number of witnesses")
        return quorum
