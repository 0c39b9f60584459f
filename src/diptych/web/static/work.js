// The embedders at work: how far each is, what it cost, and leave to spend more.

import { complain, get, post } from "./api.js";
import { dollars, element, letter } from "./element.js";

const OFTEN = 600;
const SELDOM = 5000;  // milliseconds between two looks, while something is being embedded and after
const place = document.getElementById("work");
let version = null;

// Tells `changed` of every look, and whether there is more to rank than at the last.
export async function watchWork(changed) {
  let busy = false;
  try {
    const state = await get("/api/state");
    busy = state.embedders.some((embedder) => ["waiting", "embedding"].includes(embedder.state));
    draw(state, changed);
    changed(state, version !== null && version !== state.version);
    version = state.version;
  } catch (error) {
    complain(error);
  }
  setTimeout(() => watchWork(changed), busy ? OFTEN : SELDOM);
}

function draw(state, changed) {
  const lines = state.embedders.map((embedder, index) => line(embedder, index, state, changed)).filter(Boolean);
  if (state.spent) {
    lines.push(element("p", { className: "spent" }, `${dollars(state.spent)} of ${dollars(state.allowed)} spent, by list price`));
  }
  if (place.dataset.drawn === JSON.stringify(state)) return;  // a button under the pointer stays where it is
  place.dataset.drawn = JSON.stringify(state);
  place.hidden = !lines.length;
  place.replaceChildren(...lines);
}

function line(embedder, index, state, changed) {
  const words = says(embedder, state);
  if (!words) return null;
  const who = element("span", { className: `who ink-${index % 4}` },
    element("b", { className: "letter" }, letter(index)), " ", element("span", { className: "name" }, embedder.name));
  const made = element("p", { className: "filling" }, who, " ", words);
  if (embedder.state === "embedding" && embedder.total) {
    made.append(" ", element("progress", { max: embedder.total, value: embedder.done, "aria-label": `Embedding with ${embedder.name}` }));
  }
  if (embedder.state === "asks") made.append(" ", leave(embedder, state, changed));
  if (embedder.state === "stopped") made.append(" ", button("Try again", () => post("/api/embed", { embedder: embedder.name })));
  return made;
}

function says({ state, done, total, asks, spent, reason, refused }, { allowed }) {
  const cost = spent ? `, ${dollars(spent)} so far` : "";
  switch (state) {
    case "waiting": return "begins";
    case "embedding": return total ? `embeds: ${done} of ${total}${cost}` : `gets ready${cost}`;
    case "asks": return `has ${total} pictures to embed, about ${dollars(asks)}; ${dollars(allowed)} is allowed.`;
    case "stopped": return `stopped: ${reason}`;
    default: return refused ? `refused ${refused} pictures; they are left out for all.` : "";
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
      place.dataset.drawn = "";
    } catch (error) {
      complain(error);
    }
    made.disabled = false;
  });
  return made;
}
