// Compare: a query is asked of every embedder by itself, and what has come is shown as it comes.

import { complain, get, post } from "./api.js";
import { listenForPictures } from "./bring.js";
import { ask as readAsk, fill, fromAddress, hasMoved, permalink, show as showAsked } from "./form.js";
import { prepareHits } from "./hits.js";
import { listenForKeys } from "./keys.js";
import { showPast, standAside } from "./past.js";
import { keepInPlace } from "./stay.js";
import { showStanding } from "./verdict.js";
import { view, watchView } from "./view.js";
import { sayWaiting } from "./waiting.js";
import { look as lookAtWork, watchWork } from "./work.js";

const LIVE = 140;  // milliseconds of rest after which what is typed is asked
const KEPT = 1500;  // and after which it counts as asked, for the history
const TOGETHER = 60;  // what answers within this is shown at once
const SLOW = 400;  // whoever has not answered by then is shown as asking

const form = document.getElementById("ask");
const place = document.getElementById("answer");
let embedders = [];
let asked = null;  // the query that is shown, or on its way
let early = null;  // how to ask as soon as it is known whom to ask
let freeOnly = true;  // whether those alone were asked that cost nothing
let states = [];
let shown = "";  // what the page holds: the same again leaves it alone, with what is pointed at or pressed
let holds = null;  // and whose answer that is
let entered = false;  // whether the focus goes to the answer once it is there
let turn = 0;
let looks = 0;
const timers = {};

function later(name, delay, work) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(work, delay);
}

// Ask what the form says. `live` asks for nothing that costs, `keep` puts the query into the history and the
// address, `step` says whether that is a step to go back from.
function ask({ live, keep, step = true }) {
  clearTimeout(timers.live);
  clearTimeout(timers.kept);
  if (!embedders.length) {
    early = { live, keep, step };
    return;
  }
  asked = readAsk();
  if (asked && keep) permalink(asked, step);
  askAll({ live, keep });
}

function askAll({ live, keep }) {
  const mine = ++turn;
  looks += 1;
  freeOnly = live;
  states = embedders.map(() => ({ state: "asking" }));
  if (!asked) return showNothing();
  place.setAttribute("aria-busy", "true");
  const query = asked;
  let left = embedders.length;
  embedders.forEach(async ({ name }, index) => {
    let came;
    try {
      came = (await post("/api/search", { ...query, embedders: [name], live, keep })).answers[name];
    } catch (error) {
      came = { state: "failed", reason: error.message };
    }
    if (mine !== turn) return;
    states[index] = came;
    left -= 1;
    if (!left) clearTimeout(timers.slow);
    later("show", left ? TOGETHER : 0, show);
  });
  later("slow", SLOW, show);
}

// Fetch and show what has come of the query by now.
async function show() {
  const query = asked;
  if (!query) return;
  const look = ++looks;  // of two looks under way the later one counts, whichever comes back first
  try {
    const html = await get("/answer", { ...query, view: view() });
    if (look !== looks) return;
    put(html, query);
    place.removeAttribute("aria-busy");
    goToAnswer();
    sayWaiting(place, states, () => ask({ live: false, keep: true }));
    showAsked(query);
    showPast();
    if (place.querySelector("[data-pending]")) lookAtWork();  // the null texts are asked for by now
    later("better", 300, showBetter);
    complain(null);
  } catch (error) {
    if (look !== looks) return;
    place.removeAttribute("aria-busy");
    complain(error);
  }
}

function put(html, query) {
  const whole = JSON.stringify(query) + html;
  if (whole === shown) return;
  const fill = () => {
    const opened = document.getElementById("rest")?.open ?? false;
    place.innerHTML = html;
    const rest = document.getElementById("rest");
    if (rest) rest.open = opened;
    document.getElementById("start").hidden = true;
    document.body.classList.add("answered");
    standAside(true);
    prepareHits(place, query);
  };
  if (isSame(query, holds)) keepInPlace(place, fill);
  else fill();
  shown = whole;
  holds = query;
}

const isSame = (one, other) => ["text", "picture", "label"].every((part) => one[part] === other?.[part]);

// Who pressed Enter continues from the answer: keys move from hit to hit there.
function goToAnswer() {
  if (!entered) return;
  entered = false;
  place.querySelector("h2")?.focus({ preventScroll: true });
}

function showNothing() {
  shown = "";
  holds = null;
  standAside(false);
  place.replaceChildren();
  place.removeAttribute("aria-busy");
  document.getElementById("start").hidden = false;
  document.body.classList.remove("answered");
  showAsked(null);
}

function showBetter() {
  showStanding().catch(complain);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  entered = true;
  ask({ live: false, keep: true });
});
form.text.addEventListener("input", () => {
  early = null;
  entered = false;
  fill({ picture: null });
  later("live", LIVE, () => {
    ask({ live: true, keep: false });
    later("kept", KEPT, () => readAsk() && ask({ live: true, keep: true }));
  });
});
form.k.addEventListener("input", () => {
  document.getElementById("k-shown").value = form.k.value;
  if (!asked) return;
  asked = { ...asked, k: Number(form.k.value) };
  later("show", TOGETHER, show);
});
form.k.addEventListener("change", () => ask({ live: freeOnly, keep: true }));
form.against.addEventListener("change", () => ask({ live: false, keep: true }));
form.label?.addEventListener("change", () => ask({ live: true, keep: true }));
document.addEventListener("ask-picture", (event) => {
  fill({ text: "", picture: event.detail.id });
  window.scrollTo({ top: 0 });
  ask({ live: false, keep: true });
});
document.addEventListener("ask-address", fromHere);
window.addEventListener("popstate", () => hasMoved() && fromHere());
document.addEventListener("judged", showBetter);

function fromHere() {
  fill(fromAddress());
  ask({ live: true, keep: true, step: false });
}

// What somebody wrote before this script came stays.
if (!form.text.value) fill(fromAddress());
if (readAsk()) early = { live: true, keep: true, step: false };

watchWork((state, grown) => {
  embedders = state.embedders;
  if (early) {
    const how = early;
    early = null;
    ask(how);
  } else if (grown && asked) askAll({ live: freeOnly, keep: false });
});
const options = document.getElementById("options");
options.addEventListener("click", () => {
  options.setAttribute("aria-expanded", String(options.getAttribute("aria-expanded") === "false"));
});
watchView(() => asked && show());
listenForPictures();
listenForKeys();
standAside(Boolean(readAsk()));
showPast();
later("better", 300, showBetter);
