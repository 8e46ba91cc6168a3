"""The reference and the README say what the code does."""

import base64
import re
from pathlib import Path

from casetrail_evidence.canonical import parse_json
from casetrail_evidence.cli import EXIT_CODES
from casetrail_evidence.leaves import derived_salt, field_salt, leaf_hash
from casetrail_evidence.messages import message_leaf, read_message

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/leaf-format.md").read_text(encoding="utf-8")
README = (ROOT / "libs/evidence/README.md").read_text(encoding="utf-8")


def test_the_worked_example_is_recomputed() -> None:
    """The message of the reference gives its field salt, leaf input and leaf hash."""
    message_text, expected = re.findall(r"```json\n(.*)\n```", REFERENCE)
    message = read_message(message_text.encode(), derived_salt(b"k" * 32, "SUPPORT", 7))
    leaf = message_leaf(
        message,
        log="SUPPORT",
        seq=7,
        recorded_at="2026-11-22T10:14:03.120000Z",
        subject="support.main.message.received",
    )
    salt = base64.b64decode(parse_json(message_text)["private"]["salt"])
    assert leaf.text == expected
    assert f"Leaf hash: `{leaf_hash(expected).hex()}`" in REFERENCE
    assert f"Field salt of `phone`: `{field_salt(salt, 'phone').hex()}`" in REFERENCE


def test_every_exit_code_is_in_the_reference() -> None:
    """The table of exit codes is that of the command."""
    for kind, code in EXIT_CODES.items():
        assert f"| {code} | {kind.__doc__} |" in REFERENCE


def test_the_example_of_the_readme_runs() -> None:
    """The README's program runs as it stands."""
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(program, names)
    assert str(names["proof"]).startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
