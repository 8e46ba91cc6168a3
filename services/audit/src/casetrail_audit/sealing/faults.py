"""Why the sealer signs nothing more; each is a sentence for the person who has to look."""


class SealingRefused(Exception):
    """Something stored is not what it was. Nothing is signed until it is put right.

    `reason` is a fixed word for metrics and alarms.
    """

    reason = "refused"


class RecordMissing(SealingRefused):
    """A sequence in the complete part of the log has no record: it was deleted."""

    reason = "record-missing"


class RecordAltered(SealingRefused):
    """A record's leaf input does not hash to its leaf."""

    reason = "record-altered"


class RecordMisplaced(SealingRefused):
    """A record stands under a sequence that is not the one in its leaf input."""

    reason = "record-misplaced"


class RecordDiffers(SealingRefused):
    """A field that is searched and shown says something else than the leaf input."""

    reason = "record-differs"


class ArchiveUnfounded(SealingRefused):
    """A record is marked as archived, and no event in the log says that it is."""

    reason = "archive-unfounded"


class TileAltered(SealingRefused):
    """A stored tile is not the one that belongs there, or is gone."""

    reason = "tile-altered"


class TreeAltered(SealingRefused):
    """The stored tiles do not have the root of the checkpoint they belong to."""

    reason = "tree-altered"


class RootsDiffer(SealingRefused):
    """A checkpoint of this size with another root is there already: history was rewritten."""

    reason = "roots-differ"


class CheckpointAltered(SealingRefused):
    """A stored or published checkpoint is not one that this log signed."""

    reason = "checkpoint-altered"


class LogShrank(SealingRefused):
    """The log has fewer records than a checkpoint that was signed: it was cut off."""

    reason = "log-shrank"


class KeyChanged(SealingRefused):
    """The signing key is another one than before, and nothing says that this was meant."""

    reason = "key-changed"


class PutAside(SealingRefused):
    """The log was put aside under the name that the settings have."""

    reason = "put-aside"


class Behind(Exception):
    """A checkpoint that was published is larger than the log is complete: wait, and say so.

    A rebuild passes through this; if it stays, records are missing.
    """
