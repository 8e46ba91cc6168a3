"""What can be wrong with a bundle; each kind has its own exit code (`CODES`)."""

from casetrail_evidence.errors import EvidenceError


class BundleUnreadable(EvidenceError):
    """The file is not a whole zip archive: cut off, damaged, or something else."""


class BundleUnsafe(EvidenceError):
    """The archive holds names or sizes that no bundle has; nothing of it was unpacked."""


class BundleIncomplete(EvidenceError):
    """A file that belongs to the bundle is not there."""


class BundleExtra(EvidenceError):
    """A file is in the bundle that does not belong to it."""


class FileAltered(EvidenceError):
    """A file is not the one that the manifest lists: it was changed after the bundle was made."""


class ManifestInconsistent(EvidenceError):
    """The manifest says something else than the checkpoint or the records."""


class RecordForeign(EvidenceError):
    """A record of another case, workspace or log."""


class ProofOfAnother(EvidenceError):
    """A record's proof carries another checkpoint than the bundle."""


class VersionsDiffer(EvidenceError):
    """versions.json is not what follows from the records."""


class VersionMissing(EvidenceError):
    """A chain of versions has a hole: a record was left out, or it never reached the log."""


class ValueMissing(EvidenceError):
    """A private value is neither shown nor said to be withheld under a policy: it is missing."""


class ErasureUncertified(EvidenceError):
    """A value is said to be erased, and no certificate in the bundle says that it was."""


class PageAltered(EvidenceError):
    """README.txt, timeline.html or verify.html is not what follows from the records."""


class FormatUnknown(EvidenceError):
    """A bundle of a format that this version does not know."""


CODES: dict[type[EvidenceError], int] = {
    BundleUnreadable: 40,
    BundleUnsafe: 41,
    BundleIncomplete: 42,
    BundleExtra: 43,
    FileAltered: 44,
    ManifestInconsistent: 45,
    RecordForeign: 46,
    ProofOfAnother: 47,
    VersionsDiffer: 48,
    VersionMissing: 49,
    ValueMissing: 50,
    PageAltered: 51,
    FormatUnknown: 52,
    ErasureUncertified: 53,
}
"""Exit codes of `casetrail-verify bundle`, beside those of every other command."""
