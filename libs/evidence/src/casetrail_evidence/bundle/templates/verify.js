// What the bundle says of itself, checked; see casetrail_evidence/bundle/checking.py.
const aggregate = /^(conversation|ticket)\/[A-Za-z0-9_-]{1,200}$/;
const ours = /^casetrail\.([a-z0-9_-]+\.[a-z0-9_-]+)\.v[0-9]+$/;
const unlisted = ["manifest.json", "verify.html"];
const ownPolicies = ["public-disclosure", "chosen-disclosure"];

const textOf = (files, name) => {
  if (!files.has(name)) throw new Fault("missing", `${name} is not in the bundle`);
  return new TextDecoder("utf-8", { fatal: true }).decode(files.get(name));
};

async function checkBundle(files, pinned, whole) {
  const report = { faults: [], records: [], chains: [], unsure: [], rotations: [] };
  const fault = (state, sentence) => report.faults.push({ state, sentence });
  const manifest = report.manifest = JSON.parse(textOf(files, "manifest.json"));
  if (manifest.format !== "casetrail-evidence-bundle/1") {
    throw new Fault("altered", "this page does not know the format of the bundle");
  }
  for (const [name, digest] of Object.entries(manifest.files)) {
    if (!files.has(name)) {
      if (whole || !/^(README\.txt|timeline\.html@PRINT@)$/.test(name)) fault("missing", `${name} is not in the bundle`);
    } else if (hex(await sha256(files.get(name))) !== digest) {
      fault("altered", `${name} is not the file that the manifest lists`);
    }
  }
  for (const name of files.keys()) {
    if (!unlisted.includes(name) && !Object.hasOwn(manifest.files, name)) {
      fault("altered", `${name} is in the bundle and does not belong to it`);
    }
  }
  const head = report.head = parseCheckpoint(textOf(files, "checkpoint"));
  const key = report.key = await parseKey(textOf(files, "key"));
  const rotations = JSON.parse(textOf(files, "rotations.json"));
  await checkHead(head, key, manifest, pinned, rotations, report, fault);
  const versions = new Map();
  const context = { manifest, head, versions, conversations: new Set(), certified: new Map(),
    note: textOf(files, "checkpoint") };
  let before = 0;
  for (let number = 1; number <= manifest.records; number += 1) {
    const name = `records/${String(number).padStart(4, "0")}.json`;
    const record = { name, state: "present", sentence: "", fields: [] };
    report.records.push(record);
    try {
      if (!files.has(name)) throw new Fault("missing", "the record is not in the bundle");
      await checkRecord(JSON.parse(textOf(files, name)), record, context);
      if (record.seq <= before) throw new Fault("altered", "it stands out of its order: records were swapped");
      before = record.seq;
    } catch (problem) {
      record.state = problem.state ?? "altered";
      record.sentence = problem.message;
      fault(record.state, `${name}: ${problem.message}`);
    }
  }
  for (const record of report.records) {
    if (record.loose && !context.conversations.has(record.conversation)) {
      fault("altered", `${record.name} is of another case`);
    }
  }
  checkErasures(report.records, context.certified, fault);
  checkChains(versions, JSON.parse(textOf(files, "versions.json")), report, fault);
  return report;
}

async function checkHead(head, key, manifest, pinned, rotations, report, fault) {
  if (head.origin !== key.name) fault("altered", "the key is of another log than the checkpoint");
  if (manifest.origin !== head.origin || manifest.tree.size !== head.size ||
      manifest.tree.root !== toBase64(head.root)) {
    fault("altered", "the manifest says something else than the signed checkpoint");
  }
  const given = pinned ? await parseKey(pinned).catch(() => null) : key;
  if (given === null) fault("altered", "the key that you gave is not a whole key");
  const trusted = await followRotations(given, rotations, report, fault);
  const signed = await isSigned(head, key);
  if (signed === false) fault("altered", "the checkpoint is not signed with the key of the bundle");
  if (signed === null) {
    report.unsure.push("This browser cannot check Ed25519 signatures. The signature of the "
      + "checkpoint MUST be checked with casetrail-verify; until then the bundle only agrees with itself.");
  }
  if (!trusted.includes(key.text)) fault("altered", "the key is not the one that you know, nor one that it leads to");
  report.pinned = Boolean(pinned) && trusted.includes(key.text);
}

async function followRotations(first, notes, report, fault) { // see casetrail_evidence/rotation.py
  const trusted = first === null ? [] : [first.text];
  for (const note of notes) {
    const { text, lines, size, from, to } = await parseRotation(note);
    const known = trusted.includes(from.text);
    const step = { from: from.text, to: to.text, size, state: known ? "present" : "unsure" };
    report.rotations.push(step);
    if (!known) continue; // somebody may know a later key only
    const signed = await Promise.all([from, to].map((key) => isSigned({ text, lines }, key)));
    if (signed.includes(false)) {
      step.state = "altered";
      fault("altered", "a change of the log's key is not signed by both keys");
    } else {
      if (signed.includes(null)) step.state = "unsure";
      trusted.push(to.text);
    }
  }
  return trusted;
}

async function checkRecord(content, record, context) {
  const { manifest, head, conversations, note } = context;
  const leaf = JSON.parse(content.leaf_input), event = leaf.event;
  const hash = await leafHash(content.leaf_input);
  Object.assign(record, { seq: content.seq, leaf, event, input: content.leaf_input, hash: hex(hash) });
  remember(leaf, event, context);
  const proof = parseProof(content.proof);
  if (leaf.kind !== "event" || leaf.seq !== content.seq || proof.index !== content.index ||
      content.index !== content.seq - manifest.first_seq) {
    throw new Fault("altered", "it is not the record of this place: records were swapped or moved");
  }
  if (proof.note !== note) throw new Fault("altered", "its proof is against another checkpoint");
  const root = await rootFrom(hash, proof.index, head.size, proof.hashes);
  if (!same(root, head.root)) {
    throw new Fault("altered", "it is not in the log like this: it was altered after it was logged");
  }
  if (leaf.log !== manifest.log || (event.caseid ?? manifest.case) !== manifest.case) {
    throw new Fault("altered", "it is of another case or log");
  }
  if ((event.workspace ?? leaf.subject.split(".")[1]) !== manifest.workspace) {
    throw new Fault("altered", "it is of another workspace");
  }
  checkDisclosure(content, manifest.disclosure);
  if (event.caseid === manifest.case) conversations.add(event.conversationid);
  else Object.assign(record, { loose: true, conversation: event.conversationid });
  await checkFields(content, event.private ?? {}, record);
}

function checkDisclosure(content, disclosure) { // public, full, or the fields that were chosen
  const shows = (name) => disclosure === "full" || (disclosure !== "public" && disclosure.split(",").includes(name));
  const own = disclosure === "public" ? "public-disclosure" : "chosen-disclosure";
  for (const name of Object.keys(content.disclosed)) {
    if (!shows(name)) throw new Fault("altered", `it shows ${name}, which this bundle says it withholds`);
  }
  for (const [name, policy] of Object.entries(content.withheld)) {
    if (ownPolicies.includes(policy) && (shows(name) || policy !== own)) {
      throw new Fault("altered", `it withholds ${name} under a policy that is not the bundle's`);
    }
  }
}

function remember(leaf, event, { versions, certified }) { // versions, and certificates of erasure
  const action = ours.exec(event.type ?? "")?.[1];
  if (action && leaf.subject.startsWith("support.") && aggregate.test(event.subject ?? "") &&
      /^[1-9]\d{0,15}$/.test(event.sequence ?? "")) {
    const chain = versions.get(event.subject) ?? new Map();
    versions.set(event.subject, chain.set(Number(event.sequence), action));
  }
  if (action !== "privacy.erased") return;
  const { policy, policy_version: version, records } = event.data;
  for (const row of records) {
    const gone = certified.get(row.leaf) ?? new Set();
    for (const name of row.fields) gone.add(`${name} ${policy}/${version}`);
    certified.set(row.leaf, gone);
  }
}

function checkErasures(records, certified, fault) {
  for (const { name, hash, fields } of records) {
    for (const field of fields.filter(({ policy }) => policy && !ownPolicies.includes(policy))) {
      if (!certified.get(hash)?.has(`${field.name} ${field.policy}`)) {
        fault("missing", `${name}: ${field.name} is said to be erased under ${field.policy}, and no `
          + "certificate in the bundle says so");
      }
    }
  }
}

async function checkFields(content, committed, record) {
  for (const name of Object.keys({ ...content.disclosed, ...content.withheld })) {
    if (!Object.hasOwn(committed, name)) throw new Fault("altered", `${name} was never logged in it`);
  }
  for (const [name, commitmentText] of Object.entries(committed)) {
    const shown = Object.hasOwn(content.disclosed, name) ? content.disclosed[name] : null;
    const policy = Object.hasOwn(content.withheld, name) ? content.withheld[name] : null;
    let state = policy ? "withheld" : "missing";
    if (shown) state = await commitment(shown.salt, name, shown.value) === commitmentText ? "present" : "altered";
    record.fields.push({ name, state, policy, value: shown?.value });
    if (state === "altered" || state === "missing") {
      record.state = state;
      throw new Fault(state, state === "missing" ? `the value of ${name} is missing`
        : `the value shown for ${name} is not the one that was logged`);
    }
  }
}

function checkChains(versions, said, report, fault) {
  const names = [...versions.keys()].sort();
  for (const subject of names) {
    const chain = versions.get(subject);
    const numbers = [...chain.keys()].sort((one, other) => one - other);
    const opened = ["conversation.opened", "conversation.reopened"].includes(chain.get(numbers[0]));
    const begins = opened ? numbers[0] : 1;
    const holes = [];
    let expected = begins;
    for (const number of numbers) {
      if (number > expected) holes.push([expected, number - 1]);
      expected = number + 1;
    }
    const last = numbers[numbers.length - 1];
    report.chains.push({ subject, begins, last, holes });
    for (const [first, end] of holes) {
      fault("missing", `${subject}: ${first === end ? `version ${first} is` : `versions ${first}-${end} are`} missing`);
    }
  }
  const expected = report.chains.map(({ subject, begins, last, holes }) => ({ subject, begins, last, missing: holes }));
  const found = said.chains.map(({ subject, begins, last, missing }) => ({ subject, begins, last, missing }));
  if (canonical(expected) !== canonical(found)) fault("altered", "versions.json is not what follows from the records");
  report.statement = said.unversioned.statement;
  report.unversioned = said.unversioned.records.length;
}
