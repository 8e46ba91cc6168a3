"use strict";
const local = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const time of document.querySelectorAll("time")) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) continue;
  const line = document.createElement("div");
  line.className = "local";
  line.textContent = `${local.format(moment)} ${zone}`;
  time.after(line);
}
