"""What can be wrong with an archive; each kind has its own exit code (`CODES`)."""

from casetrail_evidence.errors import EvidenceError


class ArchiveUnreadable(EvidenceError):
    """The file is no archive of a log, or what it holds cannot be unpacked."""


class ArchiveCutOff(EvidenceError):
    """The file does not end as archives do: it was cut off, or something was put behind it."""


class ArchiveDamaged(EvidenceError):
    """The bytes of the file are not those that were written: it was changed or damaged."""


class ArchiveFormatUnknown(EvidenceError):
    """An archive of a format that this version does not know."""


class ArchivedRecordMissing(EvidenceError):
    """A place of the log is neither in the archive nor covered by a hash: a record was removed."""


class ArchivedRecordTwice(EvidenceError):
    """A place of the log stands in the archive twice: a record was put in."""


class ArchiveTreeDiffers(EvidenceError):
    """Records and hashes of the archive have another root than the one that was signed."""


class HeaderDiffers(EvidenceError):
    """The first line of the archive says something else than its records or its checkpoint."""


class NameDiffers(EvidenceError):
    """The file has the name of another archive: files were swapped or renamed."""


CODES: dict[type[EvidenceError], int] = {
    ArchiveUnreadable: 60,
    ArchiveCutOff: 61,
    ArchiveDamaged: 62,
    ArchiveFormatUnknown: 63,
    ArchivedRecordMissing: 64,
    ArchivedRecordTwice: 65,
    ArchiveTreeDiffers: 66,
    HeaderDiffers: 67,
    NameDiffers: 68,
}
"""Exit codes of `casetrail-verify archive`, beside those of every other command."""
