"use strict";
// Giving a score means pointing at entries: an entry's "cite" puts its number into the field in use.

(() => {
  const aside = document.querySelector("aside[data-cite]");
  const fields = [...document.querySelectorAll("input.cites")];
  if (!aside || !fields.length) return;
  let field = fields[0];

  const numbers = (input) => input.value.split(/[\s,;#]+/).filter(Boolean);
  function show() {
    for (const one of fields) one.classList.toggle("in-use", one === field);
    const chosen = new Set(numbers(field));
    for (const button of document.querySelectorAll("button.to-cite")) {
      button.setAttribute("aria-pressed", String(chosen.has(button.dataset.seq)));
    }
  }
  function use(input) {
    if (input) { field = input; show(); }
  }

  for (const entry of document.querySelectorAll(".entry")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain to-cite";
    button.dataset.seq = entry.dataset.seq;
    button.textContent = aside.dataset.cite;
    button.setAttribute("aria-label", `${aside.dataset.cite} ${entry.dataset.seq}`);
    button.addEventListener("click", () => {
      const seq = entry.dataset.seq;
      const cited = numbers(field);
      const left = cited.filter((one) => one !== seq);
      field.value = (left.length === cited.length ? [...cited, seq] : left).join(", ");
      show();
    });
    entry.querySelector(".title").append(button);
  }
  for (const input of fields) {
    input.addEventListener("focus", () => use(input));
    input.addEventListener("input", show);
  }
  for (const question of document.querySelectorAll(".question")) {
    question.addEventListener("focusin", () => use(question.querySelector("input.cites")));
  }
  show();
})();
