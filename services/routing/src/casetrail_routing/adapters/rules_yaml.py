"""Complaint rules from a YAML file, or every fault of the file with its line.

The file is read as a tree of nodes, not as values, because only nodes know their line.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import yaml
from casetrail_runtime.yaml_file import (
    FileInvalid,
    YamlReader,
    compose,
    line_of,
    read_text,
    shipped_text,
)

from casetrail_routing.domain.complaints import (
    LANGUAGES,
    ComplaintRule,
    EscalationRules,
    Phrase,
)
from casetrail_routing.domain.patience import RepeatRule, WaitingRule
from casetrail_routing.domain.spelling import spelled

SHIPPED: Final = "complaints.yaml"
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_MOST: Final = 100_000
Spellings = dict[str, dict[str, tuple[str, ...]]]


def load_rules(path: Path | None) -> EscalationRules:
    """The rules of the file, or the rules that ship with routing when `path` is None.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    if path is None:
        return parse_rules(shipped_text("casetrail_routing", SHIPPED), SHIPPED)
    return parse_rules(read_text(path), path.name)


def parse_rules(text: str, name: str) -> EscalationRules:
    """The rules of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    reader = _Reader()
    rules = reader.rules(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return rules


class _Reader(YamlReader):
    """The rules of one file."""

    def rules(self, root: yaml.Node | None) -> EscalationRules:
        if root is None:
            self.problems.append("line 1: the file is empty; it needs `rules:`")
            return EscalationRules(())
        optional = ("spellings", "repeats", "waiting")
        top = self.fields(root, "the file", required=("rules",), optional=optional)
        spellings = self._spellings(top["spellings"]) if "spellings" in top else {}
        rules: list[ComplaintRule] = []
        seen: dict[str, int] = {}
        for node in self.items(top["rules"], "rules") if "rules" in top else ():
            rule = self._rule(node, spellings)
            if rule is None:
                continue
            if rule.name in seen:
                self.fault(node, f"rule {rule.name!r} stands already in line {seen[rule.name]}")
            seen[rule.name] = line_of(node)
            rules.append(rule)
        return EscalationRules(
            tuple(rules), self._repeats(top.get("repeats")), self._waiting(top.get("waiting"))
        )

    def _repeats(self, node: yaml.Node | None) -> tuple[RepeatRule, ...]:
        rules = []
        for item in () if node is None else self.items(node, "repeats"):
            fields = self.fields(
                item, "a repeat", required=("name", "means", "messages"), optional=("over_minutes",)
            )
            if not {"name", "means", "messages"} <= fields.keys():
                continue
            name, means = self._slug(fields["name"]), self.text(fields["means"], "means")
            messages = self._count(fields["messages"], "messages", least=2)
            minutes = 0
            if "over_minutes" in fields:
                minutes = self._count(fields["over_minutes"], "over_minutes", least=0)
            if name is not None and means is not None:
                rules.append(RepeatRule(name, means, messages, timedelta(minutes=minutes)))
        return tuple(rules)

    def _waiting(self, node: yaml.Node | None) -> tuple[WaitingRule, ...]:
        rules = []
        for item in () if node is None else self.items(node, "waiting"):
            fields = self.fields(
                item, "a waiting rule", required=("name", "means", "minutes"), optional=()
            )
            if not {"name", "means", "minutes"} <= fields.keys():
                continue
            name, means = self._slug(fields["name"]), self.text(fields["means"], "means")
            minutes = self._count(fields["minutes"], "minutes", least=1)
            if name is not None and means is not None:
                rules.append(WaitingRule(name, means, timedelta(minutes=minutes)))
        return tuple(rules)

    def _slug(self, node: yaml.Node) -> str | None:
        text = self.text(node, "name")
        if text is not None and _SLUG.fullmatch(text) is None:
            self.fault(node, f"name {text!r} must be of a-z, 0-9 and -")
            return None
        return text

    def _count(self, node: yaml.Node, what: str, *, least: int) -> int:
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not (value.isascii() and value.isdecimal() and least <= int(value) <= _MOST):
            self.fault(node, f"{what} must be a whole number from {least} to {_MOST}")
            return least
        return int(value)

    def _rule(self, node: yaml.Node, spellings: Spellings) -> ComplaintRule | None:
        fields = self.fields(
            node, "a rule", required=("name", "means", "phrases"), optional=("unless", "times")
        )
        name = self.text(fields["name"], "name") if "name" in fields else None
        means = self.text(fields["means"], "means") if "means" in fields else None
        phrases = self._phrases(fields["phrases"], spellings) if "phrases" in fields else ()
        unless = self._phrases(fields["unless"], spellings) if "unless" in fields else ()
        if name is None or means is None:
            return None
        times = self._count(fields["times"], "times", least=1) if "times" in fields else 1
        return ComplaintRule(name, means, phrases, unless, times)

    def _phrases(self, node: yaml.Node, spellings: Spellings) -> tuple[Phrase, ...]:
        phrases: list[Phrase] = []
        for language, listed in self._languages(node):
            known: dict[str, int] = {}
            for item in self.items(listed, language):
                text = self.text(item, "a phrase")
                if text is None:
                    continue
                phrase = Phrase(text, language, spellings.get(language, {}))
                form = " … ".join(" ".join(segment) for segment in phrase.segments())
                if not form:
                    self.fault(item, f"phrase {text!r} has no letter or digit")
                elif form in known:
                    self.fault(item, f"phrase {text!r} stands already in line {known[form]}")
                else:
                    known[form] = line_of(item)
                    phrases.append(phrase)
        return tuple(phrases)

    def _spellings(self, node: yaml.Node) -> Spellings:
        spellings: Spellings = {}
        for language, words in self._languages(node):
            if not isinstance(words, yaml.MappingNode):
                self.fault(words, f"spellings of {language} must be `word: [other, spellings]`")
                continue
            for key, forms in words.value:
                word = self.text(key, "a word")
                texts = [self.text(form, "a spelling") for form in self.items(forms, str(word))]
                if word is None:
                    continue
                if " " in spelled(word).text or not spelled(word).text:
                    self.fault(key, f"{word!r} must be one word")
                good = tuple(text for text in texts if text is not None and spelled(text).text)
                spellings.setdefault(language, {})[spelled(word).text] = good
        return spellings

    def _languages(self, node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self.fault(node, f"must be lists by language: {', '.join(LANGUAGES)}")
            return
        for key, value in node.value:
            language = self.text(key, "a language")
            if language in LANGUAGES:
                yield language, value
            elif language is not None:
                self.fault(key, f"language {language!r} is none of {', '.join(LANGUAGES)}")
