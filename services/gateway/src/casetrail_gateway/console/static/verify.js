"use strict";
// The case on this page against the signed checkpoint: hashes, proofs and signature are computed here.
// Needs formats.js (of the evidence bundles) before it.

const bar = document.getElementById("verification");
const say = (state, text) => {
  bar.classList.remove("good", "bad");
  if (state) bar.classList.add(state);
  bar.querySelector(".state").textContent = text;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

function agrees(row, leaf) { // what the page shows of a record is what was logged
  const event = leaf.event ?? {};
  const shown = new Date(row.dataset.at).getTime();
  const at = event.time ? new Date(event.time).getTime() : shown;
  return row.dataset.event === (event.id ?? "") && Math.abs(at - shown) < 1000
    && (event.type ?? "").includes(row.dataset.action);
}

function remembered(key, head) { // a browser that was here before notices another key or a shorter log
  const name = `casetrail ${head.origin}`;
  const before = JSON.parse(localStorage.getItem(name) ?? "null");
  if (before && before.key !== key.text) throw new Fault("altered", "the log has another key than before");
  if (before && before.size > head.size) throw new Fault("altered", "the log is shorter than it was before");
  localStorage.setItem(name, JSON.stringify({ key: key.text, size: head.size }));
}

async function verify() {
  say("", bar.dataset.checking);
  const answer = await fetch(bar.dataset.proofs);
  if (answer.status === 404) return say("", bar.dataset.waiting);
  if (!answer.ok) throw new Fault("missing", `${answer.status}`);
  const given = await answer.json();
  const head = parseCheckpoint(given.checkpoint);
  const key = await parseKey(given.key);
  if (head.origin !== key.name) throw new Fault("altered", "the key is of another log");
  const signed = await isSigned(head, key);
  if (signed === false) throw new Fault("altered", "the checkpoint is not signed with the log's key");
  remembered(key, head);
  let proven = 0;
  for (const record of given.records) {
    const leaf = JSON.parse(record.leaf_input);
    const hashes = record.hashes.map((text) => base64(text, 32));
    const root = await rootFrom(await leafHash(record.leaf_input), record.index, head.size, hashes);
    if (!same(root, head.root) || leaf.seq !== record.seq) {
      throw new Fault("altered", `record ${record.seq} is not in the signed log like this`);
    }
    const row = document.getElementById(`e${record.seq}`);
    if (!row) continue;
    if (!agrees(row, leaf)) throw new Fault("altered", `record ${record.seq} is shown otherwise than it was logged`);
    row.querySelector(".proved").hidden = false;
    proven += 1;
  }
  const unproven = [...document.querySelectorAll(".entry .proved[hidden]")].length;
  if (signed === null) return say("", bar.dataset.unsure);
  if (unproven) return say("", bar.dataset.waiting);
  return say("good", fill(bar.dataset.good, { n: proven, size: head.size }));
}

const check = () => verify().catch((fault) => say("bad", fill(bar.dataset.bad, { why: fault.message })));
const again = bar.querySelector("button");
again.hidden = false;
again.addEventListener("click", check);
check();
