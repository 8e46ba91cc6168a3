"""timeline.pdf: what stands in it, what does not, and that every letter has its glyph."""

import io
import re

import pytest
from casetrail_evidence.bundle.checking import check_bundle
from casetrail_evidence.bundle.choosing import Disclosure
from casetrail_gateway.adapters.timeline_pdf import print_timeline, printable
from pypdf import PdfReader
from pypdf.generic import StreamObject

from tests.unit.evidence.bundles import LOG, PHONE, CaseLog, bundle_of, event, story, unpacked

URDU = "پارسل نہیں آیا"


def case(text: str) -> CaseLog:
    """The story with another message of the customer."""
    events = story()
    assert events[1] is not None
    events[1]["private"]["text"] = text
    return CaseLog(events)


def printed(log: CaseLog, disclosure: Disclosure = "full") -> bytes:
    """The PDF in the bundle of that case, which holds."""
    note = log.note()
    data = bundle_of(
        log.records(disclosure, note), note, disclosure=disclosure, print_timeline=print_timeline
    )
    assert check_bundle(io.BytesIO(data), [LOG.verifier]).printed
    return unpacked(data)["timeline.pdf"]


def text_of(pdf: bytes) -> str:
    """The text of all pages, its white space made one."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def streams_of(pdf: bytes) -> bytes:
    """Everything in the file, and every stream of it unpacked."""
    reader = PdfReader(io.BytesIO(pdf))
    objects = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
    return pdf + b"".join(one.get_data() for one in objects if isinstance(one, StreamObject))


def test_it_says_who_did_what_and_that_it_is_a_print() -> None:
    """Facts of the case, the lines of the records, page numbers, and what the proof is."""
    text = text_of(printed(CaseLog(story())))
    for said in (
        "CASE-1001: who did what, and when",
        "This PDF is a print of the records",
        "does not vouch for its wording",
        "Log: log.example/support",
        "Root: ",
        "22 Nov 2026, 10:14:05 UTC · Conversation assigned",
        "by service routing by the rule least-loaded",
        "owner: nothing -> agent:a",
        "Reason: from shared inbox queue",
        f"phone: {PHONE}",
        "record 8 · conversation/cv_6ajxh7e6vooz6cksap7wr3rmvq, version 2",
        "by A. Reviewer (reviewer r)",
        "versions 1-3, none missing",
        "page 1 of 1",
    ):
        assert said in text, said


def test_urdu_is_shaped_and_every_letter_has_its_glyph() -> None:
    """Both fonts are in the file, no code 0 (the empty box) on the page, and all letters are."""
    pdf = printed(case(URDU))
    reader = PdfReader(io.BytesIO(pdf))
    page = reader.pages[0]
    content = page.get_contents()
    assert content is not None
    fonts = page["/Resources"]["/Font"]  # type: ignore[index]
    names = {font.get_object()["/BaseFont"].split("+")[-1] for font in fonts.values()}
    assert len(names) == 2
    shown = re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", content.get_data(), re.DOTALL)
    assert len(shown) > 20
    codes = [re.sub(rb"\\(.)", rb"\1", text, flags=re.DOTALL) for text in shown]
    assert all(b"\0\0" not in {c[i : i + 2] for i in range(0, len(c), 2)} for c in codes)
    assert set("".join(URDU.split())) <= set(text_of(pdf))


def test_what_no_font_has_is_named_and_nothing_turns_the_order() -> None:
    """An emoji and a right-to-left override are written out; how Urdu is joined is kept."""
    assert printable("ok 😀") == "ok [U+1F600]"
    assert printable("a\u202eb\x07") == "a[U+202E]b[U+0007]"
    assert printable(f"{URDU}\u200c\n→") == f"{URDU}\u200c\n->"
    assert "ok [U+1F600] {nb}" in text_of(printed(case("ok 😀 {nb}")))


@pytest.mark.parametrize("disclosure", ["public", "phone"])
def test_what_is_not_disclosed_is_not_in_it(disclosure: Disclosure) -> None:
    """INVARIANT I8: neither on a page nor in an unpacked stream; it is said to be withheld."""
    pdf = printed(case("SECRETWORDS"), disclosure)
    everything, text = streams_of(pdf), text_of(pdf)
    for hidden in ("SECRETWORDS", *([PHONE] if disclosure == "public" else [])):
        assert hidden not in text
        assert hidden.encode() not in everything
        assert hidden.encode("utf-16-be") not in everything
    policy = "public-disclosure" if disclosure == "public" else "chosen-disclosure"
    assert f"text: withheld under policy {policy}" in text
    assert "SECRETWORDS" in text_of(printed(case("SECRETWORDS")))


def test_the_same_records_give_the_same_file() -> None:
    """Date and id follow from the manifest; another text gives another file."""
    assert printed(case(URDU)) == printed(case(URDU))
    assert printed(case(URDU)) != printed(case("Parcel"))
    made = PdfReader(io.BytesIO(printed(case(URDU)))).metadata
    assert made is not None
    assert made.creation_date_raw == "D:20261122120000Z"


def test_a_long_case_goes_over_pages() -> None:
    """Every record stands on one of them."""
    reports = [
        event(10 + n, "message.delivered", f"message/ms_{n}", caseid="CASE-1001") for n in range(49)
    ]
    pdf = printed(CaseLog([*story(), *reports]))
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) > 3
    text = text_of(pdf)
    assert all(f"message/ms_{n} " in text for n in range(49))
    assert f"page {len(reader.pages)} of {len(reader.pages)}" in text
