"""The file that names the witnesses."""

import pytest
from casetrail_audit.witnessing.witnesses_file import load_witnesses, parse_witnesses
from casetrail_evidence.keys import COSIGNATURE_V1, SignerKey
from casetrail_runtime.yaml_file import FileInvalid

KEY = str(SignerKey("witness.example/1", bytes(32), COSIGNATURE_V1).verifier)
LOG = str(SignerKey("casetrail.example/support", bytes(32)).verifier)
GOOD = f"""\
quorum: 1
witnesses:
  - key: {KEY}
    url: https://witness.example/1
"""


def test_a_good_file() -> None:
    """Who is asked, where, and how many must sign."""
    found = parse_witnesses(GOOD, "w.yaml")
    assert (found.quorum, len(found.witnesses)) == (1, 1)
    assert (str(found.witnesses[0].key), found.witnesses[0].url) == (
        KEY,
        "https://witness.example/1",
    )
    assert load_witnesses(None).witnesses == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the file is empty"),
        ("quorum: 1", "needs 'witnesses'"),
        (GOOD.replace("quorum: 1", "quorum: 2"), "line 1: quorum must be 1 to 1"),
        (GOOD.replace("quorum: 1", "quorum: yes"), "line 1: quorum must be a number"),
        (GOOD.replace("https", "ftp"), "line 4: url must be http(s)://HOST/PATH"),
        (GOOD.replace(KEY, LOG), "line 3: key is of a log"),
        (GOOD.replace(KEY, "abc"), "line 3: key is no verifier key"),
        (GOOD.replace("    url", "    uri"), "line 4: a witness has no 'uri'"),
        (GOOD + GOOD.split("witnesses:\n")[1], "line 5: the witness witness.example/1 is there"),
    ],
)
def test_every_fault_has_its_line(text: str, says: str) -> None:
    """A file with a fault is not used at all."""
    with pytest.raises(FileInvalid) as raised:
        parse_witnesses(text, "w.yaml")
    assert says in str(raised.value)
