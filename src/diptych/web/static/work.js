// The embedders at work: how far each is, what it cost, and leave to spend more.

import { complain, get, latest, post } from "./api.js";
import { dollars, element, letter, thousands } from "./element.js";

const OFTEN = 600;
const SELDOM = 5000;  // milliseconds between two looks, while something is being embedded and after
const place = document.getElementById("work");
const newest = latest();
let tell = () => {};
let version = null;
let timer = null;
let lost = false;

// Tells `changed` of every look, and whether there is more to rank than at the last.
export function watchWork(changed) {
  tell = changed;
  look();
}

const isComparing = (embedder) => embedder.state === "ready" && embedder.bank_done < embedder.bank_total;

// Look now: something is under way, or has just ended.
export async function look() {
  clearTimeout(timer);
  let busy = false;
  try {
    const state = await newest(get("/api/state"));
    if (!state) return;  // a later look is under way
    busy = state.embedders.some((embedder) => ["waiting", "embedding"].includes(embedder.state) || isComparing(embedder));
    if (lost) complain(null);
    lost = false;
    draw(state);
    tell(state, version !== null && version !== state.version);
    version = state.version;
  } catch (error) {
    lost = true;
    complain(error);
  }
  clearTimeout(timer);
  timer = setTimeout(look, busy ? OFTEN : SELDOM);
}

function draw(state) {
  const { embedders, spent, allowed } = state;
  while (place.children.length <= embedders.length) place.append(element("p", { hidden: true }));
  embedders.forEach((embedder, index) => {
    const leave = embedder.state === "asks" ? [spent, allowed] : [];
    renew(place.children[index], [embedder, ...leave], () => line(embedder, index, state));
  });
  renew(place.lastElementChild, [spent, allowed], () => (spent
    ? [element("span", { className: "spent" }, `${dollars(spent)} of ${dollars(allowed)} spent, by list price`)] : []));
  place.hidden = [...place.children].every((one) => one.hidden);
}

// A line is made anew only where something in it has changed: what is typed or pointed at in it stays.
function renew(one, facts, make) {
  const drawn = JSON.stringify(facts);
  if (one.dataset.drawn === drawn) return;
  one.dataset.drawn = drawn;
  one.replaceChildren(...make());
  one.hidden = !one.childNodes.length;
}

function line(embedder, index, state) {
  const words = [says(embedder, state), embedder.complaint].filter(Boolean);
  if (!words.length) return [];
  const who = element("span", { className: `who ink-${index % 4}` },
    element("b", { className: "letter" }, letter(index)), " ", element("span", { className: "name" }, embedder.name));
  const made = [who, " ", words.join("; ")];
  if (embedder.state === "embedding" && embedder.total) {
    made.push(" ", element("progress", { max: embedder.total, value: embedder.done, "aria-label": `Embedding with ${embedder.name}` }));
  }
  if (embedder.state === "asks") made.push(" ", leave(embedder, state));
  if (embedder.state === "stopped") made.push(" ", button("Try again", () => post("/api/embed", { embedder: embedder.name })));
  return made;
}

function says(embedder, { allowed }) {
  const { state, done, total, asks, spent, reason, refused, bank_done: texts, bank_total: bank } = embedder;
  const cost = spent ? `, ${dollars(spent)} so far` : "";
  switch (state) {
    case "waiting": return "begins";
    case "embedding": return total ? `embedding: ${thousands(done)} of ${thousands(total)}${cost}` : `loading${cost}`;
    case "asks": return !total ? `needs about ${dollars(asks)} for the null texts; ${dollars(allowed)} is allowed.` : `has ${thousands(total)} pictures to embed, about ${dollars(asks)}; ${dollars(allowed)} is allowed.`;
    case "stopped": return `stopped: ${reason}`;
    default: if (isComparing(embedder)) return `embedding null texts: ${thousands(texts)} of ${thousands(bank)}${cost}`;
      return refused ? `refused ${thousands(refused)} pictures; they are left out for all.` : "";
  }
}

// A sum to allow, at least what the pictures cost and a little for questions.
function leave(embedder, state) {
  const least = Math.ceil((state.spent + embedder.asks) * 110) / 100 || 0.01;
  const sum = element("input", { type: "number", min: "0", step: "0.01", value: least.toFixed(2), id: `sum-${embedder.name}` });
  const words = element("label", {}, "Allow up to $", sum, " in all ");
  return element("span", { className: "leave" }, words, button("Embed them", () => post("/api/allow", { dollars: Number(sum.value) })));
}

function button(words, work) {
  const made = element("button", { type: "button" }, words);
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      await work();
      look();
    } catch (error) {
      complain(error);
    }
    made.disabled = false;
  });
  return made;
}
