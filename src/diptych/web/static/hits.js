// What can be done with a hit: ask with its picture, see it large, see where the other lists have it.

import { element } from "./element.js";
import { prepareMarks } from "./marks.js";

const dialog = document.getElementById("large");
const view = document.getElementById("large-view");
let row = [];
let at = 0;

export function prepareHits(place, asked) {
  for (const hit of place.querySelectorAll("li[data-of]")) {
    const words = hit.querySelector(".file")?.textContent ?? "";
    const large = element("button", { type: "button", className: "enlarge", "aria-label": `Enlarge ${words}` }, "large");
    hit.querySelector(".picture")?.after(large);
  }
  for (const image of place.querySelectorAll(".tile img")) shape(image);
  prepareMarks(place, asked);
}

// A tile has its picture's own shape, which is known for sure once that is there.
function shape(image) {
  const take = () => image.closest(".tile").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
  if (image.complete && image.naturalWidth) take();
  else image.addEventListener("load", take, { once: true });
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
  row = [...hit.closest("article").querySelectorAll("li[data-of]")];
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
  else if (target.closest(".enlarge")) enlarge(target.closest("li[data-of]"));
  else if (target.closest("[data-step]")) show(Number(target.dataset.step));
  else if (target.id === "large-ask") ask(row[at].dataset.of);
  else if (target.id === "large-close" || target === dialog) dialog.close();
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (dialog.open && step) show(step);
});

// Pointing at a hit, or the focus on it, marks the same picture, and its line, in every list.
let marked = [];
function markAlike({ target }) {
  for (const one of marked) one.classList.remove("on");
  const hit = target.closest("[data-of]");
  marked = hit ? [...document.querySelectorAll(`[data-of="${hit.dataset.of}"]`)] : [];
  for (const one of marked) one.classList.add("on");
}
document.addEventListener("pointerover", markAlike);
document.addEventListener("focusin", markAlike);

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
