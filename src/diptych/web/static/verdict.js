// Is one better? The sentences, and for each two embedders the difference with its interval.

import { complain, get, latest } from "./api.js";
import { element, thousands } from "./element.js";

const SOON = 1000; // milliseconds
const newest = latest();
let again = null;

// Beside the queries, in one line: it is about all of them.
export async function showStanding() {
  const place = document.getElementById("better");
  if (!place) return;
  await follow((verdict) => {
    place.replaceChildren(...standing(verdict));
    document.getElementById("standing").hidden = false;
  });
}

function standing({ judged, queries, pairs, current }) {
  if (!judged) return [current ? "Nothing has been judged yet." : "Being computed …"];
  const rests = `${count(judged, "judgment")} on ${count(queries, "query", "queries")}`;
  const better = pairs.filter(({ verdict }) => verdict.endsWith(" better"))
    .map(({ a, b, verdict }) => (verdict === "a better" ? `${a} than ${b}` : `${b} than ${a}`));
  return [better.length ? `Yes: ${better.join(", ")}` : "Cannot tell yet", element("span", { className: "rests" }, `; ${rests}`), "."];
}

export async function showVerdict(place) {
  await follow((verdict) => {
    const pairs = verdict.pairs.filter((pair) => pair.difference !== null);
    const reach = scale(pairs);
    place.replaceChildren(...sentences(verdict), ...pairs.map((pair) => drawn(pair, reach)));
  });
}

// Show the newest verdict there is, and again until it is of all judgments: it is made in the background.
async function follow(show) {
  clearTimeout(again);
  const verdict = await newest(get("/api/verdict"));
  if (!verdict) return;
  show(verdict);
  if (!verdict.current) again = setTimeout(() => follow(show).catch(complain), SOON);
}

function sentences({ judged, queries, pairs, current, behind, left_out }) {
  if (!judged && !current) return [element("p", { className: "answer quiet" }, "being computed …")];
  if (!judged || !pairs.length) {
    const why = judged ? "fewer than two embedders are ready" : "nothing has been judged";
    const words = element("span", { className: "quiet" }, "cannot tell");
    return [element("p", { className: "answer" }, words, " ", element("small", {}, left_out || why))];
  }
  const rests = element("p", { className: "aside" }, `${count(judged, "judgment")} on ${count(queries, "query", "queries")}`);
  if (!current) rests.append(behind ? `, as of ${count(behind, "judgment")} ago` : "", "; being brought up to date");
  if (left_out) rests.append(`. ${left_out}`);
  return [...pairs.flatMap((pair) => pair.sentences).map((words) => element("p", { className: "answer" }, words)), rests];
}

// One axis for all pairs, which ends at a round number and says so: otherwise a difference would look larger or
// smaller from one look to the next.
function scale(pairs) {
  const furthest = Math.max(0, ...pairs.flatMap(({ interval, difference }) => interval ?? [difference]).map(Math.abs));
  return [0.1, 0.2, 0.5].find((end) => furthest <= end) ?? 1;
}

// The difference on an axis from where b is better to where a is, with its interval.
function drawn(pair, reach) {
  const [low, high] = pair.interval ?? [pair.difference, pair.difference];
  const at = (value) => `${50 + (50 * value) / reach}%`;
  const mean = element("b");
  mean.style.left = at(pair.difference);
  const span = element("i", { className: "reach" });
  span.style.left = at(low);
  span.style.right = `calc(100% - ${at(high)})`;
  const interval = pair.interval ? `, ${Math.floor(1000 * pair.confidence + 1e-6) / 10} % ${signed(low)} to ${signed(high)}` : "";
  const won = `${pair.wins} for ${pair.a}, ${pair.losses} for ${pair.b}, ${pair.ties} equal`;
  return element("div", { className: "difference" },
    element("div", { className: "ends" }, element("span", {}, `−${reach} ← ${pair.b} better`), element("span", {}, `${pair.a} better → +${reach}`)),
    element("div", { className: "axis", "aria-hidden": "true" }, element("i", { className: "zero" }), span, mean),
    element("p", { className: "aside" }, `${pair.metric}: ${signed(pair.difference)}${interval}; of ${count(pair.queries, "query", "queries")} ${won}`));
}

const count = (number, one, many = `${one}s`) => `${thousands(number)} ${number === 1 ? one : many}`;
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
