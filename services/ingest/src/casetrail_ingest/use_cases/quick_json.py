"""JSON as the standard library reads and writes it, by pydantic's parser, which is quicker.

What that does not take (lone surrogates, UTF-16, deep nesting, no JSON at all) the standard library
has the last word on, so that a body is read alike whichever came first.
"""

import json
from typing import Any

import pydantic_core

from casetrail_ingest.domain.reading import json_text


def parse(body: bytes) -> Any:
    """The value of a JSON text; raises what `json.loads` raises."""
    try:
        return pydantic_core.from_json(body)
    except ValueError:
        return json.loads(body)


def write(value: Any) -> str:
    """Compact JSON of a value that `parse` gave; lone surrogates escaped, as `json_text` does."""
    try:
        return pydantic_core.to_json(value).decode()
    except ValueError:
        return json_text(value)
