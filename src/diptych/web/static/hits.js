// What can be done with a hit: ask with its picture, see it large, see where the other lists have it.

import { element } from "./element.js";
import { prepareMarks } from "./marks.js";

const dialog = document.getElementById("large");
const view = document.getElementById("large-view");
let row = [];
let at = 0;

export function prepareHits(place, asked) {
  for (const hit of place.querySelectorAll(".hit")) {
    const words = hit.querySelector(".file")?.textContent ?? "";
    const large = element("button", { type: "button", className: "enlarge", "aria-label": `Enlarge ${words}` }, "large");
    hit.querySelector(".picture")?.after(large);
  }
  prepareMarks(place, asked);
}

function show(step) {
  at = (at + step + row.length) % row.length;
  const hit = row[at];
  view.src = `/pictures/${hit.dataset.of}/large`;
  view.alt = hit.querySelector(".file").textContent;
  document.getElementById("large-words").textContent =
    [hit.querySelector(".rank").firstChild.textContent, hit.querySelector("strong")?.textContent, view.alt].filter(Boolean).join(" · ");
}

function enlarge(hit) {
  row = [...hit.closest("ol").querySelectorAll(".hit")];
  at = row.indexOf(hit);
  show(0);
  dialog.showModal();
}

function ask(id) {
  dialog.close();
  document.dispatchEvent(new CustomEvent("ask-picture", { detail: { id } }));
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const picture = target.closest("[data-ask]");
  if (picture) ask(picture.dataset.ask);
  else if (target.closest(".enlarge")) enlarge(target.closest(".hit"));
  else if (target.closest("[data-step]")) show(Number(target.dataset.step));
  else if (target.id === "large-ask") ask(row[at].dataset.of);
  else if (target.id === "large-close" || target === dialog) dialog.close();
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (dialog.open && step) show(step);
});

// Pointing at a hit marks the same picture, and its line, in every list.
let marked = [];
document.addEventListener("pointerover", (event) => {
  for (const one of marked) one.classList.remove("on");
  const hit = event.target.closest("[data-of]");
  marked = hit ? [...document.querySelectorAll(`[data-of="${hit.dataset.of}"]`)] : [];
  for (const one of marked) one.classList.add("on");
});

// Two columns side by side are two different ones: choosing one that is there lets them change places.
const chosen = { left: "0", right: "1" };
for (const radio of document.querySelectorAll(".chooser input")) {
  radio.addEventListener("change", () => {
    const index = radio.id.split("-")[1];
    const other = radio.name === "left" ? "right" : "left";
    if (chosen[other] === index) {
      chosen[other] = chosen[radio.name];
      document.getElementById(`${other}-${chosen[other]}`).checked = true;
    }
    chosen[radio.name] = index;
  });
}
