"""The search box: one line of words and `key:value`, read into filters and words to be found.

`cases_asked` and `records_asked` read a line beside the filters that were given by name. Both say
part by part what was understood (`Part`, with its place in the line), so that a screen can show it
as chips to be edited; what cannot be understood is an error that says where and why.
"""

from casetrail_gateway.domain.search.asked import CaseSearch, Part, RecordSearch, Words
from casetrail_gateway.domain.search.reading import cases_asked, records_asked

__all__ = ["CaseSearch", "Part", "RecordSearch", "Words", "cases_asked", "records_asked"]
