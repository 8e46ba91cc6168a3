"use strict";
// What a page gains from a script; without it everything can still be read and done.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shapes = {
  clock: { timeStyle: "medium", hourCycle: "h23" },
  moment: { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" },
};

function inReadersZone(root) {
  for (const time of root.querySelectorAll("time[data-shape]")) {
    const shape = time.dataset.shape;
    const at = new Date(time.dateTime);
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, shapes[shape]).format(at);
    time.title = `${time.dateTime} · ${zone}`;
  }
}

function keys(event) {
  const typing = event.target.closest("input, textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const entries = [...document.querySelectorAll(".entry")];
  const at = entries.indexOf(document.activeElement.closest(".entry"));
  const step = { j: 1, k: -1 }[event.key];
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q")?.focus();
  } else if (step && entries.length) {
    event.preventDefault();
    entries[Math.min(entries.length - 1, Math.max(0, at + step))].focus();
  }
}

function pointing() { // the custody bar moves the rail, and the other way round
  const bars = new Map();
  for (const link of document.querySelectorAll(".custody a[data-seq]")) bars.set(link.dataset.seq, link);
  const mark = (entry, on) => entry?.classList.toggle("pointed", on);
  for (const [seq, link] of bars) {
    const entry = document.getElementById(`e${seq}`);
    for (const [name, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
      link.addEventListener(name, () => mark(entry, on));
    }
  }
}

function copying() {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(`${button.dataset.copy}\n${location.href}`);
      button.textContent += " ✓";
    });
  }
}

function oneSubmission() {
  document.addEventListener("submit", (event) => {
    for (const button of event.target.querySelectorAll("button")) {
      setTimeout(() => { button.disabled = true; }, 0);
    }
  });
}

function following() { // entries that come while the page is read; they never move what is being read
  const sign = document.querySelector("[data-live]");
  const rail = document.getElementById("rail");
  if (!sign || !rail || !window.EventSource) return;
  const feed = new EventSource(sign.dataset.live);
  feed.addEventListener("open", () => { sign.hidden = false; });
  feed.addEventListener("error", () => { sign.hidden = true; });
  feed.addEventListener("entry", (event) => {
    const made = document.createElement("template");
    made.innerHTML = event.data; // made by this gateway's own template, which escapes what people wrote
    const entry = made.content.querySelector(".entry");
    if (!entry || document.getElementById(entry.id)) return;
    inReadersZone(entry);
    entry.classList.add("new");
    rail.querySelector(".empty")?.remove();
    rail.append(entry);
  });
  window.addEventListener("pagehide", () => feed.close());
}

inReadersZone(document);
following();
document.addEventListener("keydown", keys);
pointing();
copying();
oneSubmission();
