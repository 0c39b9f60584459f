// Compare: a query is asked of every embedder by itself, and what has come is shown as it comes.

import { complain, get, post } from "./api.js";
import { listenForPictures } from "./bring.js";
import { ask as readAsk, fill, permalink, show as showAsked, fromAddress } from "./form.js";
import { prepareHits } from "./hits.js";
import { showPast } from "./past.js";
import { showAnswer } from "./verdict.js";
import { sayWaiting } from "./waiting.js";
import { watchWork } from "./work.js";

const LIVE = 140;  // milliseconds of rest after which what is typed is asked
const KEPT = 1500;  // and after which it counts as asked, for the history
const TOGETHER = 60;  // what answers within this is shown at once

const form = document.getElementById("ask");
const place = document.getElementById("answer");
let embedders = [];
let turn = 0;
let looks = 0;
let states = [];
let timers = {};
let early = null;  // what was asked before it was known whom to ask
let freeOnly = true;  // whether what is shown was asked of those alone that cost nothing

function later(name, delay, work) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(work, delay);
}

// Ask: `live` asks for nothing that costs, `keep` puts the query into the history and the address.
async function ask({ live, keep }) {
  Object.values(timers).forEach(clearTimeout);
  if (!embedders.length) {
    early = { live, keep };
    return;
  }
  const asked = readAsk();
  const mine = ++turn;
  freeOnly = live;
  states = embedders.map(() => ({ state: "asking" }));
  if (!asked) return showNothing();
  place.setAttribute("aria-busy", "true");
  if (keep) permalink(asked);
  let left = embedders.length;
  embedders.forEach(async ({ name }, index) => {
    let came;
    try {
      came = (await post("/api/search", { ...asked, embedders: [name], live, keep })).answers[name];
    } catch (error) {
      came = { state: "failed", reason: error.message };
    }
    if (mine !== turn) return;
    states[index] = came;
    left -= 1;
    later("show", left ? TOGETHER : 0, () => show(mine));
  });
  later("slow", 400, () => show(mine));  // whoever has not answered by now is shown as asking
}

// Fetch and show what has come of the query by now.
async function show(mine = turn) {
  const asked = readAsk();
  if (!asked) return;
  const look = ++looks;  // of two looks under way the later one counts, whichever comes back first
  try {
    const html = await get("/answer", asked);
    if (mine !== turn || look !== looks) return;
    place.innerHTML = html;
    place.removeAttribute("aria-busy");
    document.getElementById("start").hidden = true;
    document.querySelector(".web").classList.add("answered");
    prepareHits(place, asked);
    sayWaiting(place, states, () => ask({ live: false, keep: true }));
    showAsked(asked);
    showPast();
    later("better", 300, () => showAnswer(document.getElementById("better")).catch(complain));
    complain(null);
  } catch (error) {
    if (mine === turn) complain(error);
  }
}

function showNothing() {
  place.replaceChildren();
  document.getElementById("start").hidden = false;
  document.querySelector(".web").classList.remove("answered");
  showAsked(null);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask({ live: false, keep: true });
});
form.text.addEventListener("input", () => {
  fill({ picture: null });
  later("live", LIVE, () => ask({ live: true, keep: false }).then(() => {
    later("kept", KEPT, () => readAsk() && ask({ live: true, keep: true }));
  }));
});
form.k.addEventListener("input", () => {
  document.getElementById("k-shown").value = form.k.value;
  later("show", TOGETHER, show);
});
form.against.addEventListener("change", () => ask({ live: false, keep: true }));
form.label?.addEventListener("change", () => ask({ live: true, keep: true }));
document.addEventListener("ask-picture", (event) => {
  fill({ text: "", picture: event.detail.id });
  window.scrollTo({ top: 0 });
  ask({ live: false, keep: true });
});
document.addEventListener("ask-address", fromHere);
window.addEventListener("popstate", fromHere);
document.addEventListener("judged", () => showAnswer(document.getElementById("better")).catch(complain));

function fromHere() {
  fill(fromAddress());
  ask({ live: true, keep: true });
}

watchWork((state, grown) => {
  const first = !embedders.length;
  embedders = state.embedders;
  if (first && early) ask(early);
  else if (first) fromHere();
  else if (grown && readAsk()) ask({ live: freeOnly, keep: false });
});
listenForPictures();
showPast();
