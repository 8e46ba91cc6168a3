"""Canonical JSON (RFC 8785, the JSON Canonicalization Scheme), strict in what it takes.

The same value gives the same bytes on every machine and in every language, which is what a hash
needs. Values without such a form are refused, with the place where they stand, instead of being
bent into one.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any, NoReturn

from casetrail_evidence.errors import NotCanonical

MAX_SAFE_INTEGER = 2**53 - 1
"""Beyond it two integers can share one IEEE 754 double (RFC 8785 appendix D, RFC 7493 §2.2)."""

MAX_DEPTH = 128
"""Nesting beyond this is refused, so that every reader, also a browser, can follow."""

_SAFE_DIGITS = 16
_ES6_PLAIN_POINT = 21  # ECMA-262 §6.1.6.1.20: up to 21 digits before the point are written out
_ES6_SMALL_POINT = -6
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # perhaps half of a pair

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`; raises `NotCanonical` naming the JSON path of the fault.

    Takes None, bool, int, float, str, mappings with string keys, lists and tuples. Refuses NaN and
    infinities, integers beyond ±(2^53-1), lone surrogates, other types, and nesting deeper than
    `MAX_DEPTH`. Members are ordered by the UTF-16 code units of their names (§3.2.3), numbers are
    written as ECMAScript writes them (§3.2.2.3).
    """
    if _plain_members(value, MAX_DEPTH) >= 0:
        try:
            return _encode(value).encode()
        except UnicodeEncodeError:
            pass  # a lone surrogate: the walk below finds where
    parts: list[str] = []
    _write(value, "$", MAX_DEPTH, parts)
    return "".join(parts).encode()


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text for which `canonical_json` is defined, or `NotCanonical`.

    Stricter than `json.loads`: UTF-8 without a byte order mark, no member twice in one object
    (RFC 7493 §2.3), no NaN, no integer that a double cannot hold exactly. An integer beyond
    ±(2^53-1) that a double does hold becomes a float, because that is what it is in ECMAScript.
    """
    try:
        text = data.encode().decode() if isinstance(data, str) else data.decode()
    except UnicodeDecodeError as error:
        raise NotCanonical("$", f"is not UTF-8 (byte {error.start})") from error
    except UnicodeEncodeError as error:
        raise NotCanonical("$", f"holds a lone surrogate (character {error.start})") from error
    if text.startswith("\ufeff"):
        raise NotCanonical("$", "starts with a byte order mark")
    value = _decoded(text, _decode)
    members = _plain_members(value, MAX_DEPTH)
    if not _is_sure_to_name_once(text, members):
        _decoded(text, _decode_watchfully)
    if members < 0 or ("\\u" in text and _SURROGATE.search(text) is not None):
        _write(value, "$", MAX_DEPTH, [])
    return value


def format_number(number: float) -> str:
    """The text ECMAScript gives a finite double (ECMA-262 §6.1.6.1.20, RFC 8785 §3.2.2.3)."""
    if number == 0:
        return "0"  # also for -0
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or "0") - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= _ES6_PLAIN_POINT:
        return sign + digits + "0" * (point - count)
    if 0 < point <= _ES6_PLAIN_POINT:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _ES6_SMALL_POINT < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


def _plain_members(value: Any, depth: int) -> int:
    """How many members there are in `value` and below; -1 when the fast encoder will not do.

    It does, writing what RFC 8785 asks for, when all types are exact, numbers are safe integers,
    and names are ASCII, for which code points and UTF-16 code units sort alike.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return 0
    if kind is int:
        return 0 if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else -1
    if depth == 0 or (kind is not dict and kind is not list):
        return -1
    count = 0
    if kind is dict:
        if not all(type(name) is str and name.isascii() for name in value):
            return -1
        count = len(value)
        value = value.values()
    for item in value:
        if type(item) is not str and item is not None:
            below = _plain_members(item, depth - 1)
            if below < 0:
                return -1
            count += below
    return count


def _is_sure_to_name_once(text: str, members: int) -> bool:
    """Whether counting alone shows that no member was lost because its name stands twice.

    Without space before a colon every member has its own `":` in the text. Others may stand inside
    strings, so equal numbers mean that nothing was lost, and unequal ones that one has to look.
    """
    if "\\\\" in text or " :" in text or "\n:" in text or "\t:" in text or "\r:" in text:
        return False
    return text.count('":') - text.count('\\":') == members


def _decoded(text: str, decode: Callable[[str], Any]) -> Any:
    try:
        return decode(text)
    except json.JSONDecodeError as error:
        raise NotCanonical("$", f"is not JSON: {error.msg} (character {error.pos})") from error
    except RecursionError as error:
        raise NotCanonical("$", f"is nested deeper than {MAX_DEPTH} levels") from error


def _write(value: Any, path: str, depth: int, parts: list[str]) -> None:  # noqa: C901, PLR0912
    if value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, str):
        parts.append(_string(value, path))
    elif isinstance(value, int):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise NotCanonical(path, "is an integer beyond 2^53-1, which a double cannot hold")
        parts.append(int.__repr__(value))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise NotCanonical(path, "is not a finite number")
        parts.append(format_number(float(value)))
    elif isinstance(value, Mapping | list | tuple):
        if depth == 0:
            raise NotCanonical(path, f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, Mapping):
            _write_object(value, path, depth, parts)
        else:
            parts.append("[")
            for index, item in enumerate(value):
                if index:
                    parts.append(",")
                _write(item, f"{path}[{index}]", depth - 1, parts)
            parts.append("]")
    else:
        raise NotCanonical(path, f"is a {type(value).__name__}, which JSON does not have")


def _write_object(value: Mapping[Any, Any], path: str, depth: int, parts: list[str]) -> None:
    written: dict[str, str] = {}
    for name in value:
        if not isinstance(name, str):
            raise NotCanonical(path, f"has a member name that is a {type(name).__name__}, not text")
        written[name] = _string(name, f"{path}, member name {str(name)!a}")
    parts.append("{")
    separator = ""
    for name in sorted(written, key=_utf16):
        parts.append(f"{separator}{written[name]}:")
        _write(value[name], _below(path, name), depth - 1, parts)
        separator = ","
    parts.append("}")


def _string(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(path, f"holds a lone surrogate (character {error.start})") from error
    return encode_basestring(text)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{encode_basestring(name)}]"


def _object_without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise NotCanonical("$", f"has the member {name!a} twice in one object")
            seen.add(name)
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise NotCanonical("$", f"holds {name}, which JSON does not have")


def _integer(digits: str) -> int | float:
    if len(digits) <= _SAFE_DIGITS - 1:
        return int(digits)
    number = float(digits)
    if abs(number) <= MAX_SAFE_INTEGER:
        return int(digits)
    if not math.isfinite(number) or format_number(number) != digits:
        raise NotCanonical("$", "holds an integer beyond 2^53-1 that a double cannot hold")
    return number


_decode = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse_constant).decode
_decode_watchfully = json.JSONDecoder(object_pairs_hook=_object_without_doubles).decode
