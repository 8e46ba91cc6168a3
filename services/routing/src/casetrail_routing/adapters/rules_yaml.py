"""Complaint rules from a YAML file, or every fault of the file with its line.

The file is read as a tree of nodes, not as values, because only nodes know their line.
"""

from collections.abc import Iterator
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

from casetrail_routing.domain.complaints import LANGUAGES, ComplaintRule, Phrase
from casetrail_routing.domain.spelling import spelled

SHIPPED: Final = "complaints.yaml"
Spellings = dict[str, dict[str, tuple[str, ...]]]


def load_rules(path: Path | None) -> tuple[ComplaintRule, ...]:
    """The rules of the file, or the rules that ship with routing when `path` is None.

    Raises:
        FileInvalid: all faults at once, each with its line.
    """
    if path is None:
        return parse_rules(shipped_text("casetrail_routing", SHIPPED), SHIPPED)
    return parse_rules(read_text(path), path.name)


def parse_rules(text: str, name: str) -> tuple[ComplaintRule, ...]:
    """The rules of a YAML text; `name` stands before each fault."""
    root = compose(text, name)
    reader = _Reader()
    rules = reader.rules(root)
    if reader.problems:
        raise FileInvalid(name, reader.problems)
    return rules


class _Reader(YamlReader):
    """The rules of one file."""

    def rules(self, root: yaml.Node | None) -> tuple[ComplaintRule, ...]:
        if root is None:
            self.problems.append("line 1: the file is empty; it needs `rules:`")
            return ()
        top = self.fields(root, "the file", required=("rules",), optional=("spellings",))
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
        return tuple(rules)

    def _rule(self, node: yaml.Node, spellings: Spellings) -> ComplaintRule | None:
        fields = self.fields(
            node, "a rule", required=("name", "means", "phrases"), optional=("unless",)
        )
        name = self.text(fields["name"], "name") if "name" in fields else None
        means = self.text(fields["means"], "means") if "means" in fields else None
        phrases = self._phrases(fields["phrases"], spellings) if "phrases" in fields else ()
        unless = self._phrases(fields["unless"], spellings) if "unless" in fields else ()
        if name is None or means is None:
            return None
        return ComplaintRule(name, means, phrases, unless)

    def _phrases(self, node: yaml.Node, spellings: Spellings) -> tuple[Phrase, ...]:
        phrases: list[Phrase] = []
        for language, listed in self._languages(node):
            known: dict[str, int] = {}
            for item in self.items(listed, language):
                text = self.text(item, "a phrase")
                if text is None:
                    continue
                form = spelled(text).text
                if not form:
                    self.fault(item, f"phrase {text!r} has no letter or digit")
                elif form in known:
                    self.fault(item, f"phrase {text!r} stands already in line {known[form]}")
                else:
                    known[form] = line_of(item)
                    phrases.append(Phrase(text, language, spellings.get(language, {})))
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
