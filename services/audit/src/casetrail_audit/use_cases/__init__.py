"""What audit does: records messages, completes the log, folds views, tells subscribers."""

from casetrail_audit.use_cases.begin import BeginLog, CannotBegin
from casetrail_audit.use_cases.complete import CompleteLog
from casetrail_audit.use_cases.find_missing import FindMissing
from casetrail_audit.use_cases.fold_views import FoldViews
from casetrail_audit.use_cases.follow import Follow
from casetrail_audit.use_cases.publish import PublishRecords
from casetrail_audit.use_cases.record import RecordMessages

__all__ = [
    "BeginLog",
    "CannotBegin",
    "CompleteLog",
    "FindMissing",
    "FoldViews",
    "Follow",
    "PublishRecords",
    "RecordMessages",
]
