// What was asked here before, each with its verdicts; pressing one asks it again.

import { get, latest, toQuery } from "./api.js";
import { element, letter } from "./element.js";

const list = document.getElementById("history");
const newest = latest();

export async function showPast() {
  const past = await newest(get("/api/history").catch(() => []));
  if (!past) return;
  document.getElementById("past").hidden = !past.length;
  list.replaceChildren(...past.map(item));
}

function item({ name, text, picture, shared, breaks }) {
  const link = element("a", { href: `/?${toQuery({ text, picture })}` }, text ?? name.split(/[\\/]/).pop());
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    document.dispatchEvent(new Event("ask-address"));
  });
  const verdicts = Object.values(breaks).map((does, index) => element(
    "span", { className: `ink-${index % 4}` }, element("b", { className: "letter" }, letter(index)), ` ${does}`,
  ));
  if (shared) verdicts.unshift(element("span", {}, `${shared} shared`));
  return element("li", {}, link, element("small", {}, ...verdicts));
}
