// An index of what was asked here before, each query with the first pictures of every list; pressing one asks
// it again. On a wide screen, and as long as nothing is asked, it stands open.

import { get, latest, toQuery } from "./api.js";
import { element, letter } from "./element.js";

const list = document.getElementById("history");
const past = document.getElementById("past");
const wide = matchMedia("(min-width: 1600px)");
const newest = latest();
let asking = null;  // until it is known

export async function showPast() {
  const entries = await newest(get("/api/history").catch(() => []));
  if (!entries) return;
  past.hidden = !entries.length;
  document.getElementById("past-count").textContent = String(entries.length);
  list.replaceChildren(...entries.map(item));
}

// Whether a query is shown: then the index is out of the way.
export function standAside(answered) {
  if (asking === answered) return;
  asking = answered;
  settle();
}

function settle() {
  past.open = wide.matches || !asking;
}

wide.addEventListener("change", settle);
document.addEventListener("click", ({ target }) => {
  if (past.open && !target.closest("#past")) settle();
});
past.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  settle();
  past.querySelector("summary").focus();
});

function item({ name, text, picture, shared, breaks, firsts }) {
  const words = element("span", { className: "name" }, text ?? name.split(/[\\/]/).pop());
  const link = element("a", { href: `/?${toQuery({ text, picture })}` });
  if (picture) link.append(thumbnail(picture));
  link.append(words);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    settle();
    document.dispatchEvent(new Event("ask-address"));
  });
  const lists = Object.entries(breaks).map(([embedder, does], index) => element("span", { className: `list ink-${index % 4}` },
    element("b", { className: "letter" }, letter(index)), " ",
    element("span", { className: "firsts" }, ...(firsts[embedder] ?? []).map(thumbnail)),
    element("small", {}, does)));
  if (shared) lists.push(element("small", {}, `${shared} shared`));
  return element("li", {}, link, ...lists);
}

const thumbnail = (id) => element("img", { src: `/pictures/${id}/thumbnail`, alt: "", loading: "lazy" });
