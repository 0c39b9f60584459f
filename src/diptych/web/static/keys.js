// Keys: everything on the page that is done often, without a pointer.

import { switchView } from "./view.js";

const shown = document.getElementById("keys");
const text = document.getElementById("text");
const answer = document.getElementById("answer");

export function listenForKeys() {
  document.getElementById("help").addEventListener("click", () => shown.showModal());
  shown.addEventListener("click", ({ target }) => {
    if (target === shown || target.closest("[data-close]")) shown.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("select, input:not([type=radio], [type=range], [type=file])")) {
      if (event.key === "Escape") event.target.blur();
    } else if (press(event.key)) event.preventDefault();
  });
}

// Whether the key does anything.
function press(key) {
  if (key === "/") text.select();
  else if (key === "?") shown.showModal();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "g") switchView();
  else if (/^[1-9]$/.test(key)) goTo(Number(key) - 1);
  else return false;
  return true;
}

const hitAt = () => document.activeElement.closest("#answer li[data-of]");
const hitsOf = (column) => [...column.querySelectorAll("li[data-of]")];
const isSeen = (element) => element.getClientRects().length > 0;

function move(step) {
  const hit = hitAt();
  if (!hit) {
    focus([...answer.querySelectorAll("li[data-of]")].find(isSeen));
    return;
  }
  const hits = hitsOf(hit.closest("article"));
  focus(hits[hits.indexOf(hit) + step]);
}

// The same rank in another embedder's list, which is brought to the front where it is not seen.
function goTo(index) {
  const column = answer.querySelector(`.col-${index}`);
  if (!column) return;
  const hit = hitAt();
  const rank = hit ? hitsOf(hit.closest("article")).indexOf(hit) : 0;
  if (!isSeen(column)) document.getElementById(`left-${index}`)?.click();
  const hits = hitsOf(column);
  focus(hits[Math.min(rank, hits.length - 1)]);
}

function focus(hit) {
  hit?.querySelector(".picture").focus();
}
