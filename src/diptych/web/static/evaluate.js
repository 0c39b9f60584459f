// Evaluate: the verdict, and a threshold that is moved over the scores of what was judged.

import { complain, get, latest, toQuery } from "./api.js";
import { element, thousands } from "./element.js";
import { showVerdict } from "./verdict.js";

const form = document.getElementById("cutting");
const slider = document.getElementById("value");
const WIDTH = 1000;
const newestScores = latest();
const newestEffect = latest();
let low = 0;
let high = 1;
let waiting = null;

async function showScores() {
  const asked = { embedder: form.embedder.value, scale: form.scale.value };
  try {
    const found = await newestScores(get("/api/scores", asked));
    if (!found) return;
    const { scores, relevant, suggestions } = found;
    const spread = scores.length ? scores[0] - scores[scores.length - 1] : 1;
    high = (scores[0] ?? 1) + 0.02 * spread;
    low = (scores[scores.length - 1] ?? 0) - 0.02 * spread;
    Object.assign(slider, { min: low, max: high });
    const ink = form.embedder.selectedOptions[0].dataset.ink;
    document.getElementById("distribution").className = `distribution ink-${ink}`;
    draw(".yes", scores.filter((_, place) => relevant[place]), -1);
    draw(".no", scores.filter((_, place) => !relevant[place]), 1);
    suggest(suggestions);
    const first = Object.values(suggestions).find((each) => each.value !== null)?.value ?? (low + high) / 2;
    slider.value = first;
    complain(null);
    await tryOut(first); // the slider rounds, and what is expected is known of exactly this one
  } catch (error) {
    complain(error);
  }
}

// Every judged picture a stroke: relevant ones stand above the axis, the others hang below it.
function draw(side, scores, way) {
  const strokes = scores.map((score) => {
    const x = ((score - low) / (high - low)) * WIDTH;
    return `M${x.toFixed(1)} ${60 + way * 8}v${way * 40}`;
  });
  document.querySelector(`#distribution path${side}`).setAttribute("d", strokes.join(""));
}

function suggest(suggestions) {
  document.getElementById("suggestions").replaceChildren(...Object.entries(suggestions).map(([name, effect]) => {
    const button = element("button", { type: "button", disabled: effect.value === null, title: effect.undefined.value ?? "" }, name);
    button.addEventListener("click", () => {
      slider.value = effect.value;
      clearTimeout(waiting);
      tryOut(effect.value).catch(complain);
    });
    return button;
  }));
}

async function tryOut(value = Number(slider.value)) {
  const asked = { embedder: form.embedder.value, scale: form.scale.value, value };
  document.getElementById("save").href = `/export/threshold.json?${toQuery(asked)}`;
  const effect = await newestEffect(get("/api/threshold", asked));
  if (!effect) return;
  document.getElementById("effect").replaceChildren(
    `At ${value.toFixed(3)}: ${meaning(effect)}`,
    element("small", {}, ` ${thousands(effect.kept)} of ${thousands(effect.judged)} judged pictures kept`));
  show("above", effect.above);
  show("below", effect.below);
}

// Queries are the sample: figures are means over them, with intervals where there are enough.
function meaning(effect) {
  const { expected, promise } = effect;
  if (!expected) return `${figure("precision", effect)}, ${figure("recall", effect)}`;
  const queries = expected.queries === 1 ? "1 query" : `${thousands(expected.queries)} queries`;
  const both = `${figure("precision", expected)}, ${figure("recall", expected)}`;
  if (promise) {
    return `precision of at least ${percent(promise.precision)} on average is promised for new queries for which anything passes`
      + ` (at most ${percent(promise.risk)} of such promises are wrong); here ${both}`;
  }
  return expected.left_out ? `on a new query, expect ${both}: means over ${queries}` : `on average over ${queries}, ${both}`;
}

function figure(name, expected) {
  const share = expected[name];
  if (share === null) return `${name} – (${expected.undefined[name]})`;
  const interval = expected[`${name}_interval`];
  const within = interval ? ` (95 % ${interval[0].toFixed(2)} to ${interval[1].toFixed(2)})` : "";
  return `${name} ${share.toFixed(2)}${within}`;
}

function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}

function show(id, pictures) {
  document.getElementById(id).replaceChildren(...pictures.map(({ text, picture, score, relevant }) => element("li", {},
    element("img", { className: "picture", src: `/pictures/${picture}/thumbnail`, alt: "" }),
    element("span", {}, `${score.toFixed(3)} · ${relevant ? "relevant" : "not"} · ${text}`))));
}

// Where the page was made before what judgments say was known, it is asked for again until it is of all of
// them; the threshold that a person tries out stays as it is.
async function bringForward() {
  const main = document.querySelector("main[data-behind]");
  if (!main) return;
  await new Promise((later) => setTimeout(later, 1000));
  const page = new DOMParser().parseFromString(await get("/evaluate"), "text/html").querySelector("main");
  if (!form && page.querySelector("#cutting")) return location.reload();
  let before = null;
  for (const section of page.querySelectorAll("section")) {
    const label = section.getAttribute("aria-labelledby");
    const old = main.querySelector(`section[aria-labelledby="${label}"]`);
    if (old && (label === "better" || label === "cut")) before = old;
    else {
      if (old) old.replaceWith(section);
      else before.after(section);
      before = section;
    }
  }
  if (!("behind" in page.dataset)) delete main.dataset.behind;
  return bringForward();
}

// A report takes a while: so that nobody asks for it again and again, it says so.
const report = document.querySelector("a[href='/export/evaluation.html']");
report?.addEventListener("click", () => {
  report.after(element("small", { role: "status" }, " being made: the download begins when it is ready "));
}, { once: true });

if (form) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", showScores);
  slider.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => tryOut().catch(complain), 40);
  });
  showScores();
}
showVerdict(document.getElementById("verdict")).catch(complain);
bringForward().catch(complain);
