"""verify.html and timeline.html in a real Chromium, opened from disk and offline.

Needs the Python package `playwright` and a Chromium (Debian: `apt-get install chromium`; or name
one in CHROMIUM). Where they are absent the tests are skipped and say so; in CI (CI=…) they fail.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.rotation import sign_rotation

from tests.support.browser import running_browser
from tests.support.waiting import eventually
from tests.unit.evidence.bundles import (
    FORGER,
    KEY,
    LOG,
    SALT,
    TEXT,
    CaseLog,
    Files,
    bundle_of,
    packed,
    story,
    unpacked,
)
from tests.unit.evidence.test_bundle import erased_log
from tests.unit.evidence.test_bundle_tampering import ATTACKS

ZONE = "Asia/Karachi"
ONLY_THE_PROGRAM = {
    "the timeline edited, its hash made to fit",  # a page cannot make the other pages again
    "verify.html made to lie",  # nor vouch for itself
    "no page",
    "another time of making",  # shows on the pages only
}
DECIDED = "#verdict[data-state=present], #verdict[data-state=altered], #verdict[data-state=unsure]"


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    """A page of a browser in Karachi that is offline; every request it makes is noted."""
    async with running_browser("the pages of bundles") as browser:
        context = await browser.new_context(timezone_id=ZONE, offline=True, locale="en-GB")
        made = await context.new_page()
        made.asked, made.faults = [], []
        made.on("request", lambda request: made.asked.append(request.url))
        made.on("pageerror", lambda fault: made.faults.append(str(fault)))
        made.on("console", lambda line: made.faults.append(line.text))
        yield made
        assert made.faults == []
        assert all(url.startswith(("file://", "blob:")) for url in made.asked)


def unfolded(tmp_path: Path, files: Files) -> Path:
    """The bundle unpacked to a folder, as a person does before opening a page of it."""
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return tmp_path


async def verdict(page: Any) -> tuple[str, str]:
    """What the page decided, and its words."""
    await page.wait_for_selector(DECIDED)
    state = await page.get_attribute("#verdict", "data-state")
    return state, await page.inner_text("#verdict")


async def checked(page: Any, file: Path) -> tuple[str, str]:
    """What the page says of a zip that is chosen in it."""
    await page.evaluate("byId('verdict').removeAttribute('data-state')")
    await page.set_input_files("#file", str(file))
    return await verdict(page)


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[[Files], Path]:
    """Packs files, each time under another name."""
    made: list[Path] = []

    def pack(files: Files) -> Path:
        path = tmp_path / f"bundle-{len(made)}.zip"
        path.write_bytes(packed(files).getvalue())
        made.append(path)
        return path

    return pack


async def test_a_bundle_is_verified_from_disk_and_offline(page: Any, tmp_path: Path) -> None:
    """INVARIANT I7: every record present, the values shown, no request but for the page itself."""
    folder = unfolded(tmp_path, unpacked(CaseLog(story()).bundle()))
    await page.goto((folder / "verify.html").as_uri())
    state, words = await verdict(page)
    assert (state, "All 6 records are present and unaltered." in words) == ("present", True), words
    assert "The key came with the bundle." in words
    rows = await page.locator("ol.history > li").evaluate_all(
        "rows => rows.map(r => r.dataset.state)"
    )
    assert rows == ["present"] * 6
    text = await page.inner_text("#report")
    assert TEXT in text
    assert "2 present, 0 withheld, 0 missing" in text
    assert "versions 1-3, none missing" in text
    assert "15:14:02" in text  # in Karachi
    assert page.asked == [(folder / "verify.html").as_uri()]
    await page.fill("#pinned", KEY)
    await page.press("#pinned", "Tab")
    await page.wait_for_selector("#verdict:has-text('Signed with the key that you gave.')")
    await page.fill("#pinned", str(FORGER.verifier))
    await page.press("#pinned", "Tab")
    await page.wait_for_selector("#verdict[data-state=altered]")
    assert (
        "the key is not the one that you know, nor one that it leads to"
        in await page.inner_text("#verdict")
    )


async def test_a_public_bundle_shows_what_is_withheld(page: Any, tmp_path: Path) -> None:
    """INVARIANT I8: present, but each personal value is withheld under the policy named."""
    folder = unfolded(tmp_path, unpacked(CaseLog(story()).bundle("public")))
    await page.goto((folder / "verify.html").as_uri())
    assert (await verdict(page))[0] == "present"
    report = await page.inner_text("#report")
    assert "phone, text: withheld under policy public-disclosure" in report
    assert TEXT[:10] not in report


async def test_chosen_fields_are_shown_and_the_others_withheld(page: Any, tmp_path: Path) -> None:
    """INVARIANT I7: the page tells the field that was chosen from the one that was not."""
    folder = unfolded(tmp_path, unpacked(CaseLog(story()).bundle("text")))
    await page.goto((folder / "verify.html").as_uri())
    assert (await verdict(page))[0] == "present"
    report = await page.inner_text("#report")
    assert TEXT in report
    assert "phone: withheld under policy chosen-disclosure" in report


async def test_a_change_of_the_key_is_shown_and_checked(
    page: Any, tmp_path: Path, zipped: Callable[[Files], Path]
) -> None:
    """INVARIANT I7: a key pinned before leads to the one that signs now; a forged note does not."""
    log, new = CaseLog(story()), SignerKey(LOG.name, bytes(range(7, 39)))
    note = log.note(key=new)
    good = str(sign_rotation(3, LOG, new))
    forged = good.replace("\n3\n", "\n4\n")
    foreign = str(sign_rotation(3, FORGER, new))

    def files(*rotations: str) -> Files:
        records = log.records(note=note)
        return unpacked(bundle_of(records, note, key=str(new.verifier), rotations=list(rotations)))

    await page.goto((unfolded(tmp_path, files(good)) / "verify.html").as_uri())
    assert (await verdict(page))[0] == "present"
    await page.fill("#pinned", KEY)
    await page.press("#pinned", "Tab")
    await page.wait_for_selector("#verdict:has-text('a key that the one you gave leads to')")
    report = await page.inner_text("#report")
    assert "Changes of the log's key" in report
    step = f"From entry 3 on, {new.verifier} signs for the log; before, {KEY}: signed by both keys"
    assert step in report
    for rotations, sentence in (
        ((forged,), "not signed by both keys"),
        ((foreign,), "the key is not the one that you know, nor one that it leads to"),
        ((), "the key is not the one that you know, nor one that it leads to"),
        (("x",), "a change of the log's key is damaged"),
    ):
        state, words = await checked(page, zipped(files(*rotations)))
        assert (state, sentence in words) == ("altered", True), words


async def test_each_attack_is_seen_in_the_browser(
    page: Any, tmp_path: Path, zipped: Callable[[Files], Path]
) -> None:
    """INVARIANT I7: every attack that a page can see, from a good copy of it and a known key."""
    files = unpacked(CaseLog(story()).bundle())
    await page.goto((unfolded(tmp_path, files) / "verify.html").as_uri())
    await page.fill("#pinned", KEY)
    await page.press("#pinned", "Tab")
    assert (await checked(page, zipped(files)))[0] == "present"
    unseen = set()
    for name, (attack, _, _) in ATTACKS.items():
        state, words = await checked(page, zipped(attack(files)))
        if state == "present":
            unseen.add(name)
        else:
            assert (state, "does not hold" in words) == ("altered", True), name
    assert unseen == ONLY_THE_PROGRAM


async def test_altered_and_missing_are_told_apart(
    page: Any, tmp_path: Path, zipped: Callable[[Files], Path]
) -> None:
    """Of each record the page says which it is, in words."""
    files = unpacked(CaseLog(story()).bundle())
    await page.goto((unfolded(tmp_path, files) / "verify.html").as_uri())
    for name, expected in (
        ("a record's text edited, covered up", "altered: records/0003.json: it is not in the log"),
        ("a record removed, covered up", "version 2 is missing"),
        ("a record removed", "missing: records/0003.json is not in the bundle"),
        ("a value dropped, covered up", "missing: records/0001.json: the value of text is missing"),
        ("a disclosed value edited, covered up", "the value shown for text is not the one"),
    ):
        _, words = await checked(page, zipped(ATTACKS[name][0](files)))
        assert expected in words, name


async def test_an_erasure_needs_its_certificate(
    page: Any, tmp_path: Path, zipped: Callable[[Files], Path]
) -> None:
    """INVARIANT I7: withheld under an erasure policy, with the certificate and without."""
    log = erased_log()
    certified = unpacked(bundle_of(log.records(erased={"text": "customer-request/1"}), log.note()))
    await page.goto((unfolded(tmp_path, certified) / "verify.html").as_uri())
    assert (await verdict(page))[0] == "present"
    assert "withheld under policy customer-request/1" in await page.inner_text("#report")
    claimed = unpacked(bundle_of(log.records(erased={"text": "forgotten"}), log.note()))
    state, words = await checked(page, zipped(claimed))
    assert (state, "no certificate in the bundle says so" in words) == ("altered", True)


async def test_what_is_no_bundle_is_said_to_be_none(
    page: Any, tmp_path: Path, zipped: Callable[[Files], Path]
) -> None:
    """A truncated zip and another file get a sentence, not a blank page."""
    files = unpacked(CaseLog(story()).bundle())
    await page.goto((unfolded(tmp_path, files) / "verify.html").as_uri())
    short = zipped(files)
    short.write_bytes(short.read_bytes()[:-300])
    state, words = await checked(page, short)
    assert (state, "not a whole zip archive" in words) == ("altered", True)
    assert (await checked(page, zipped({"manifest.json": b"{"})))[0] == "altered"


async def test_a_slow_check_never_overwrites_a_later_one(
    page: Any, tmp_path: Path, zipped: Callable[[Files], Path]
) -> None:
    """INVARIANT I7: a good bundle whose check ends late does not turn a bad one green."""
    files = unpacked(CaseLog(story()).bundle())
    await page.goto((unfolded(tmp_path, files) / "verify.html").as_uri())
    assert (await verdict(page))[0] == "present"
    await page.evaluate(
        "() => { const real = checkBundle; window.gates = [];"
        " checkBundle = async (...all) => { const report = await real(...all);"
        " await new Promise((open) => gates.push(open)); return report; } }"
    )

    async def checks(count: int) -> None:
        async def there() -> bool:
            return bool(await page.evaluate("gates.length") == count)

        assert await eventually(there, within=20)

    bad = ATTACKS["a record's text edited, covered up"][0](files)
    await page.set_input_files("#file", str(zipped(files)))
    await checks(1)
    await page.set_input_files("#file", str(zipped(bad)))
    await checks(2)
    for number in (1, 0):  # the later one ends first
        await page.evaluate(f"gates[{number}]()")
        await page.evaluate("new Promise((done) => setTimeout(done))")  # whatever waited has run
        assert (await verdict(page))[0] == "altered"


async def test_a_browser_without_ed25519_says_that_the_signature_is_unchecked(
    page: Any, tmp_path: Path
) -> None:
    """Never green without the signature: the page sends its reader to casetrail-verify."""
    await page.add_init_script(
        "crypto.subtle.importKey = () => Promise.reject(new Error('unknown algorithm'))"
    )
    folder = unfolded(tmp_path, unpacked(CaseLog(story()).bundle()))
    await page.goto((folder / "verify.html").as_uri())
    state, words = await verdict(page)
    assert state == "unsure"
    assert "MUST be checked with casetrail-verify" in words


async def test_the_timeline_reads_and_prints(page: Any, tmp_path: Path) -> None:
    """Both times, the customer's own words from right to left, one request; a page to print."""
    assert ZoneInfo(ZONE).key == ZONE
    folder = unfolded(tmp_path, unpacked(CaseLog(story()).bundle()))
    await page.goto((folder / "timeline.html").as_uri())
    text = await page.inner_text("body")
    assert "22 Nov 2026, 10:14:02 UTC" in text
    assert f"22 Nov 2026, 15:14:02 {ZONE}" in text
    assert TEXT in text
    assert SALT not in await page.content()
    assert await page.get_attribute("blockquote", "dir") == "auto"
    assert (await page.pdf())[:5] == b"%PDF-"
    assert len(page.asked) == 1
