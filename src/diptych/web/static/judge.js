// Judge: a query is chosen, its pictures come one by one, and after the last the verdict is asked for again.

import { complain, get, latest, post } from "./api.js";
import { element, thousands } from "./element.js";
import { showVerdict } from "./verdict.js";

const KEYS = { y: 1, n: 0, s: "skip", u: "undo" };
const IDLE = 60_000;  // a longer pause between two words is not a valid time spent judging

const table = document.getElementById("table");
const list = document.getElementById("queries");
const done = document.getElementById("done");
const onward = document.getElementById("onward");
const verdict = document.getElementById("verdict");
const picture = document.getElementById("picture");
const newestQueries = latest();
const newestPool = latest();
const PREPARED = 3;  // pictures fetched before they are asked about
const SHOWN = 12;  // relevant pictures that are shown at the end
let text = null;
let ahead = [];
let behind = [];
let first = new Set();  // the pictures that are enough for an estimate of which embedder is better
let hasNext = false;
let grades = {};  // what anybody has said of the query's pictures
let given = 0;
let spent = 0;
let since = Date.now();
let busy = false;

async function showQueries() {
  const queries = await newestQueries(get("/api/queries"));
  if (!queries) return;
  queries.sort((a, b) => (a.judged > 0) - (b.judged > 0));  // what is left to do comes first
  list.replaceChildren(...queries.map((query) => {
    const words = query.judged ? `${thousands(query.judged)} judged, ${thousands(query.relevant)} relevant` : "not judged yet";
    const button = element("button", { type: "button" }, query.text);
    button.addEventListener("click", () => open(query.text));
    return element("li", { className: query.text === text ? "chosen" : "" }, button, element("small", {}, words));
  }));
  const next = queries.find((query) => !query.judged);
  onward.textContent = next ? `Next: ${next.text}` : "Every query is judged: add another";
  onward.onclick = () => (next ? open(next.text) : document.getElementById("text").focus());
  hasNext = next !== undefined;
  document.getElementById("meanwhile").textContent = onward.textContent;
  document.getElementById("meanwhile").onclick = onward.onclick;
}

// Begin or go on with a query: what anybody has judged is not asked again.
async function open(query) {
  try {
    const pool = await newestPool(get("/api/pool", { text: query }));
    if (!pool) return;
    text = query;
    grades = pool.grades;
    first = new Set(pool.pictures.slice(0, pool.first));
    ahead = pool.pictures.filter((picture) => !(picture in grades));
    behind = [];
    since = Date.now();
    history.replaceState(null, "", `/judge?${new URLSearchParams({ text })}`);
    complain(null);
    await showQueries();
    show();
  } catch (error) {
    complain(error);
  }
}

function show() {
  table.hidden = false;
  document.getElementById("relevant").replaceChildren(
    ahead.length ? "Is this relevant to " : "Nothing is left to judge for ", element("q", {}, text), ahead.length ? "?" : ".");
  picture.parentElement.hidden = !ahead.length;
  done.hidden = ahead.length > 0;
  document.getElementById("enough").hidden = !ahead.length || !hasNext || ahead.some((one) => first.has(one));
  table.parentElement.classList.toggle("at-end", !ahead.length);
  if (!ahead.length) sumUp();
  if (ahead.length) picture.src = `/pictures/${ahead[0]}/large`;
  for (const next of ahead.slice(1, 1 + PREPARED)) new Image().src = `/pictures/${next}/large`;
  enable();
  document.getElementById("left").textContent = left();
}

// After the last picture: what was said, what was found relevant, and where to go from here.
function sumUp() {
  const relevant = Object.keys(grades).filter((one) => grades[one] > 0);
  const judged = Object.keys(grades).length;
  const skipped = behind.filter(({ grade }) => grade === "skip").length;
  document.getElementById("tally").textContent =
    `${judged} judged: ${relevant.length} relevant, ${judged - relevant.length} not relevant${skipped ? `; ${skipped} skipped` : ""}.`;
  document.getElementById("found").replaceChildren(...relevant.slice(0, SHOWN).map((one) => element("li", {},
    element("img", { src: `/pictures/${one}/thumbnail`, alt: "", loading: "lazy" }))));
  document.getElementById("compare").href = `/?${new URLSearchParams({ text })}`;
}

// A word on a picture that is not there yet would be one on the picture before it.
const seen = () => picture.complete && picture.naturalWidth > 0;

function enable() {
  picture.classList.toggle("coming", !seen());
  const can = { u: behind.length > 0, s: ahead.length > 0, y: ahead.length > 0 && seen() };
  for (const button of table.querySelectorAll("[data-key]")) {
    button.disabled = !(can[button.dataset.key] ?? can.y);
    button.hidden = !ahead.length && button.disabled;
  }
}

function left() {
  const pace = given ? spent / given : 0;
  const more = pace && ahead.length ? `, about ${time(pace * ahead.length)}` : "";
  const so = given ? ` · ${thousands(given)} judged in ${time(spent)}` : "";
  return `${thousands(ahead.length)} left${more}${so}`;
}

function time(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

async function press(key) {
  const what = KEYS[key];
  if (busy || text === null) return;
  busy = true;
  try {
    if (what === "undo") await undo();
    else if (ahead.length && (what === "skip" || seen())) await judge(what);
    complain(null);
  } catch (error) {
    complain(error);
  }
  busy = false;
}

async function judge(grade) {
  const [judged] = ahead;
  const query = text;
  if (grade !== "skip") {
    const now = Date.now();
    const kept = await post("/api/judgments", { text, picture: judged, grade, blind: true });
    if (text !== query || ahead[0] !== judged) return;  // another query was chosen meanwhile
    if (now - since < IDLE) spent += now - since;
    given += 1;
    grades = kept.grades;
    // What was judged meanwhile in another window is not asked again.
    ahead = ahead.filter((other) => other === judged || !(other in kept.grades));
  }
  since = Date.now();
  ahead.shift();
  behind.push({ picture: judged, grade });
  say(grade === "skip" ? "skipped" : `kept: ${grade ? "relevant" : "not relevant"}`);
  show();
  if (!ahead.length) {
    showQueries().catch(complain);
    showVerdict(verdict).catch(complain);
  }
}

async function undo() {
  const last = behind[behind.length - 1];
  if (!last) return;
  if (last.grade !== "skip") {
    const query = text;
    const kept = await post("/api/judgments", { text, picture: last.picture, grade: null, blind: true });
    if (text !== query || behind[behind.length - 1] !== last) return;
    grades = kept.grades;
    given = Math.max(0, given - 1);
  }
  behind.pop();
  ahead.unshift(last.picture);
  say("taken back");
  show();
}

function say(words) {
  document.getElementById("said").textContent = words;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input")) return;
  if (event.key in KEYS) {
    event.preventDefault();
    press(event.key);
  }
});
table.addEventListener("click", (event) => {
  const button = event.target.closest("[data-key]");
  if (button) press(button.dataset.key);
});
document.getElementById("another").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = document.getElementById("text");
  const asked = input.value.trim();
  if (!asked) return;
  try {
    await post("/api/search", { text: asked, keep: true });
    input.value = "";
    input.blur();
    await open(asked);
  } catch (error) {
    complain(error);
  }
});

picture.addEventListener("load", enable);
picture.addEventListener("error", () => {
  enable();
  say("this picture can't be shown: skip it");
});

const named = new URLSearchParams(location.search).get("text");
if (named) open(named);
else showQueries().catch(complain);
showVerdict(verdict).catch(complain);
