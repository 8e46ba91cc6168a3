// The report, in words. Everything from the bundle is put in as text, never as markup.
const spoken = ["text", "caption", "title", "note", "resolution_note", "reason"];
const byId = (id) => document.getElementById(id);
const moments = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const moments0 = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function when(text) {
  const box = element("div", undefined, "when"), moment = new Date(text);
  if (Number.isNaN(moment.getTime())) { box.textContent = text; return box; }
  box.append(element("div", `${moments0.format(moment)} UTC`));
  box.append(element("div", `${moments.format(moment)} ${Intl.DateTimeFormat().resolvedOptions().timeZone}`, "local"));
  return box;
}

function verdict(state, title, more) {
  const box = byId("verdict");
  box.className = `verdict ${state}`;
  box.dataset.state = state;
  box.replaceChildren(...[element("strong", title), ...more.map((line) => element("span", line))].map((part) => {
    const line = element("p"); line.append(part); return line;
  }));
}

function facts(rows) {
  const list = element("dl");
  for (const [name, value] of rows) list.append(element("dt", name), element("dd", value));
  return list;
}

function told(record) {
  const line = element("li"), what = element("div", undefined, "what");
  line.dataset.state = record.state;
  line.append(record.event ? when(record.event.time ?? record.leaf.recorded_at) : element("div", record.name, "when"));
  const action = ours.exec(record.event?.type ?? "")?.[1] ?? record.event?.type ?? record.name;
  const title = element("p"), words = action.replaceAll(/[._]/g, " ");
  title.append(element("strong", words[0].toUpperCase() + words.slice(1)), " — ",
    element("span", record.state, record.state));
  what.append(title);
  if (record.sentence) what.append(element("p", record.sentence, "altered"));
  const groups = new Map();
  for (const { name, state, policy, value } of record.fields) {
    const said = policy ? `withheld under policy ${policy}` : state;
    groups.set(said, [...(groups.get(said) ?? []), name]);
    if (state === "present" && spoken.includes(name) && typeof value === "string") {
      const quote = element("blockquote", value); quote.dir = "auto"; what.append(quote);
    }
  }
  for (const [said, names] of groups) {
    const row = element("p", `${names.join(", ")}: `, "quiet");
    row.append(element("span", said, said.split(" ")[0]));
    what.append(row);
  }
  const held = record.fields.filter(({ state, name }) => state === "present" && !spoken.includes(name));
  if (held.length) {
    const more = element("details");
    more.append(element("summary", "personal values that are shown"),
      element("pre", held.map(({ name, value }) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join("\n")));
    what.append(more);
  }
  if (record.input) {
    const more = element("details");
    more.append(element("summary", `record ${record.seq} · ${record.state === "altered" ? "what stands here now" : "what was logged"}`),
      element("pre", JSON.stringify(record.leaf, null, 2)));
    what.append(more);
  }
  line.append(what);
  return line;
}

function rotated(rotations) { // how the log changed its key
  if (rotations.length === 0) return [];
  const said = { present: "signed by both keys", altered: "not signed by both keys", unsure: "not checked" };
  const list = element("ul");
  for (const { from, to, size, state } of rotations) {
    const line = element("li", `From entry ${size} on, ${to} signs for the log; before, ${from}: `);
    line.append(element("span", said[state], state));
    list.append(line);
  }
  return [element("h2", "Changes of the log's key"), list];
}

function show(report) {
  const { manifest, head, key, faults, records } = report;
  const count = (state) => records.flatMap((record) => record.fields).filter((one) => one.state === state).length;
  const led = report.pinned && byId("pinned").value.trim() !== key.text;
  const trust = report.pinned ? (led ? "Signed with a key that the one you gave leads to." : "Signed with the key that you gave.")
    : "The key came with the bundle. Compare it with the one that the organisation publishes elsewhere.";
  if (faults.length) {
    verdict("altered", "This bundle does not hold.", faults.slice(0, 20).map((one) => `${one.state}: ${one.sentence}.`));
  } else if (report.unsure.length) {
    verdict("unsure", "Every record is present; the signature is not checked.", report.unsure);
  } else {
    verdict("present", `All ${records.length} records are present and unaltered.`, [trust]);
  }
  const chains = element("ul");
  for (const { subject, begins, last, holes } of report.chains) {
    const line = element("li", `${subject}: ${begins === last ? `version ${last}` : `versions ${begins}-${last}`}, `);
    line.append(holes.length ? element("span", `missing: ${holes.map((hole) => [...new Set(hole)].join("-")).join(", ")}`, "missing")
      : element("span", "none missing", "present"));
    if (begins > 1) line.append(`; versions before ${begins} belong to earlier cases of the conversation`);
    chains.append(line);
  }
  const list = element("ol", undefined, "history");
  list.append(...records.map(told));
  byId("report").replaceChildren(
    element("h2", `${manifest.case}, workspace ${manifest.workspace}`),
    facts([
      ["Log", head.origin], ["Entries in the log", String(head.size)], ["Root", toBase64(head.root)],
      ["Key", key.text], ["Made at", `${manifest.made_at} (the maker's word)`],
      ["Disclosure", manifest.disclosure],
      ["Personal values", `${count("present")} present, ${count("withheld")} withheld, ${count("missing")} missing`],
    ]),
    ...rotated(report.rotations),
    element("h2", "Is anything left out?"), chains,
    element("p", `Records without a version: ${report.unversioned}. ${report.statement}`, "quiet"),
    element("h2", "The records"), list);
  document.title = `Check of ${manifest.case}`;
}

let chosen = null, turns = 0;
async function run() {
  const turn = turns += 1; // a check that was overtaken by another must not have the last word
  const pinned = byId("pinned").value.trim();
  verdict("", "Checking …", []);
  byId("report").replaceChildren();
  try {
    if (!globalThis.crypto?.subtle) throw new Fault("unsure", "This browser offers no SHA-256 to pages from disk");
    const file = chosen;
    let files = null;
    if (file) {
      files = await unzip(file);
    } else {
      const held = JSON.parse(byId("bundle").textContent);
      files = new Map(Object.entries(held).map(([name, text]) => [name, utf8.encode(text)]));
    }
    const report = await checkBundle(files, pinned, file !== null);
    if (turn === turns) show(report);
  } catch (problem) {
    if (turn !== turns) return;
    const unsure = problem.state === "unsure";
    verdict(unsure ? "unsure" : "altered", unsure ? "Nothing is checked." : "This bundle does not hold.",
      [problem instanceof Fault ? `${problem.message}.` : "A file of it is damaged and cannot be read."]);
  }
}
byId("file").addEventListener("change", (event) => { [chosen = null] = event.target.files; run(); });
byId("pinned").addEventListener("change", run);
run();
