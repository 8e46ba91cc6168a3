"""The forms in which one telephone number is written: for looking up, never for storing.

WhatsApp's `wa_id` differs from the dialled number in three countries. Both forms are kept verbatim
wherever they arrive; whoever looks a customer up asks for all forms of what was typed.
"""

import re
from typing import Final

_SEPARATORS: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_NUMBER: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")  # E.164: at most 15 digits
_BRAZIL_MOBILE: Final = re.compile(r"(55[1-9][1-9])(9?)([6-9][0-9]{7})")
_MEXICO: Final = re.compile(r"(52)(1?)([0-9]{10})")
_ARGENTINA: Final = re.compile(r"(54)(9?)([0-9]{10})")
_WITH_AND_WITHOUT: Final = ((_BRAZIL_MOBILE, "9"), (_MEXICO, "1"), (_ARGENTINA, "9"))


def number_forms(phone: str) -> tuple[str, ...]:
    """Every form of an international number, as digits: the given one first; () for no number.

    Brazil: mobiles with and without the ninth digit. A landline (its eight digits begin with 2 to
    5) has one form: a 9 before it would make another number. Mexico: `52` and `521`. Argentina:
    `54` and `549`. `+`, `00` in front, spaces and the usual punctuation do not count.
    """
    found = _NUMBER.fullmatch(_SEPARATORS.sub("", phone))
    if found is None:
        return ()
    digits = found[1]
    for pattern, extra in _WITH_AND_WITHOUT:
        parts = pattern.fullmatch(digits)
        if parts is not None:
            country, given, rest = parts.groups()
            return digits, f"{country}{'' if given else extra}{rest}"
    return (digits,)
