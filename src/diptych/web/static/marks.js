// Marks on hits: a person's word on what stands there. Who found it can be seen, and the mark says so.

import { complain, get, post } from "./api.js";
import { element } from "./element.js";

const WORDS = { y: "relevant", n: "not relevant" };
const SIGNS = { y: "✓", n: "×" };

// One word after the other: what stands is shown as it is after the last.
let before = Promise.resolve();

function inTurn(work) {
  before = before.then(work).catch(complain);
}

// Judgments are about texts: a query picture has none.
export function prepareMarks(place, asked) {
  if (!asked.text) return;
  const hits = [...place.querySelectorAll("li[data-of]")];
  for (const hit of hits) {
    const marks = element("span", { className: "mark" });
    for (const [key, words] of Object.entries(WORDS)) {
      const button = element("button", { type: "button", "data-mark": key, title: words, "aria-pressed": "false",
        "aria-label": `${hit.querySelector(".file")?.textContent ?? ""}: ${words}` }, SIGNS[key]);
      button.addEventListener("click", () => inTurn(() => mark(hits, asked.text, hit.dataset.of, button)));
      marks.append(button);
    }
    (hit.matches(".tile") ? hit : hit.querySelector(".rank")).append(marks);
  }
  inTurn(async () => show(hits, (await get("/api/judgments", { text: asked.text })).grades));
}

// Pressing a mark that is set takes it back.
async function mark(hits, text, picture, button) {
  const set = button.getAttribute("aria-pressed") === "true";
  const grade = set ? null : Number(button.dataset.mark === "y");
  show(hits, (await post("/api/judgments", { text, picture, grade, blind: false })).grades);
  document.dispatchEvent(new Event("judged"));
}

function show(hits, grades) {
  for (const hit of hits) {
    const grade = grades[hit.dataset.of];
    for (const button of hit.querySelectorAll("[data-mark]")) {
      const set = grade !== undefined && (button.dataset.mark === "y") === grade > 0;
      button.setAttribute("aria-pressed", String(set));
    }
    hit.classList.toggle("judged", grade !== undefined);
  }
}
