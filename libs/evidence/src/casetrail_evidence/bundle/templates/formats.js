"use strict";
// The public formats: SHA-256, RFC 6962, C2SP signed notes and proofs, RFC 8785, zip.
const utf8 = new TextEncoder();

class Fault extends Error {
  constructor(state, sentence) { super(sentence); this.state = state; }
}

async function sha256(...parts) {
  const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

function base64(text, length) {
  let bytes = null;
  try { bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)); } catch { /* below */ }
  if (bytes === null || toBase64(bytes) !== text || (length && bytes.length !== length)) {
    throw new Fault("altered", "a base64 text is damaged");
  }
  return bytes;
}

function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Fault("altered", "a salt is damaged");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function canonical(value) { // RFC 8785: JSON.stringify writes numbers and texts the way it asks for
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) =>
    `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

const leafHash = (text) => sha256(Uint8Array.of(0), utf8.encode(text));

async function rootFrom(leaf, index, size, hashes) { // RFC 9162, 2.1.3.2
  let place = BigInt(index), last = BigInt(size) - 1n, node = leaf;
  if (place < 0n || place > last) throw new Fault("altered", "the place is not in the tree");
  for (const hash of hashes) {
    if (last === 0n) throw new Fault("altered", "the proof is too long");
    if (place & 1n || place === last) {
      node = await sha256(Uint8Array.of(1), hash, node);
      while (place !== 0n && !(place & 1n)) { place >>= 1n; last >>= 1n; }
    } else {
      node = await sha256(Uint8Array.of(1), node, hash);
    }
    place >>= 1n; last >>= 1n;
  }
  if (last !== 0n) throw new Fault("altered", "the proof is too short");
  return node;
}

function parseProof(text) { // C2SP tlog-proof
  const cut = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(cut, 0)).split("\n");
  if (cut < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1" || !/^index \d+$/.test(lines[0] ?? "")) {
    throw new Fault("altered", "the proof is damaged");
  }
  const index = Number(lines.shift().slice("index ".length));
  return { index, hashes: lines.map((line) => base64(line, 32)), note: text.slice(cut + 2) };
}

function parseCheckpoint(note) { // C2SP tlog-checkpoint
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1);
  const [origin, size, root] = text.split("\n");
  if (cut < 0 || !/^(0|[1-9]\d{0,15})$/.test(size ?? "")) {
    throw new Fault("altered", "the checkpoint is damaged");
  }
  return { text, origin, size: Number(size), root: base64(root, 32), lines: note.slice(cut + 2) };
}

async function parseKey(line) { // C2SP signed-note, verifier keys
  const [name, id, ...rest] = line.trim().split("+");
  const material = base64(rest.join("+"), 33);
  const computed = (await sha256(utf8.encode(`${name}\n`), material)).slice(0, 4);
  if (hex(computed) !== id || material[0] !== 1) throw new Fault("altered", "the key is damaged");
  return { name, id: computed, bytes: material.slice(1), text: line.trim() };
}

async function isSigned(checkpoint, key) { // true, false, or null when the browser cannot tell
  let ed25519;
  try {
    ed25519 = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null;
  }
  for (const line of checkpoint.lines.split("\n")) {
    const [mark, name, encoded] = line.split(" ");
    if (mark !== "—" || name !== key.name) continue;
    const signature = base64(encoded);
    if (!same(signature.slice(0, 4), key.id)) continue;
    const text = utf8.encode(checkpoint.text);
    return crypto.subtle.verify({ name: "Ed25519" }, ed25519, signature.slice(4), text);
  }
  return false;
}

async function parseRotation(note) { // casetrail_evidence/rotation.py
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1), parts = text.split("\n");
  const [header, origin, size, old, fresh] = parts;
  if (cut < 0 || parts.length !== 6 || header !== "casetrail key rotation v1" || !/^(0|[1-9]\d{0,15})$/.test(size)) {
    throw new Fault("altered", "a change of the log's key is damaged");
  }
  const from = await parseKey(old), to = await parseKey(fresh);
  if (from.name !== origin || to.name !== origin || from.text === to.text) {
    throw new Fault("altered", "a change of the log's key is of another log");
  }
  return { text, lines: note.slice(cut + 2), size: Number(size), from, to };
}

async function commitment(salt, name, value) {
  const encoded = utf8.encode(name);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, encoded.length);
  const tag = utf8.encode("casetrail private field v1\0");
  return hex(await sha256(tag, unhex(salt), length, encoded, utf8.encode(canonical(value))));
}

async function unzip(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) {
    throw new Fault("altered", "this is not a whole zip archive: it was cut off, or is no bundle");
  }
  const files = new Map();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true), total = 0; left > 0; left -= 1) {
    const [method, packed, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true),
      view.getUint32(at + 24, true)];
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const place = view.getUint32(at + 42, true);
    const start = place + 30 + view.getUint16(place + 26, true) + view.getUint16(place + 28, true);
    total += size;
    if (total > 2 ** 30 || files.has(name)) throw new Fault("altered", "no bundle looks like this");
    let content = new Blob([bytes.subarray(start, start + packed)]).stream();
    if (method === 8) content = content.pipeThrough(new DecompressionStream("deflate-raw"));
    const data = new Uint8Array(await new Response(content).arrayBuffer());
    if (data.length !== size) throw new Fault("altered", `${name} was damaged`);
    files.set(name, data);
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return files;
}
