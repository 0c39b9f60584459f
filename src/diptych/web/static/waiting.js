// What is said in the column of an embedder that has not answered.

import { dollars, element } from "./element.js";

export function sayWaiting(place, states, askAgain) {
  for (const column of place.querySelectorAll(".waiting")) {
    const answer = states[column.dataset.embedder] ?? { state: "empty" };
    const says = column.querySelector("[data-says]");
    const said = words(answer);
    if (says.dataset.says === said) continue;  // a button under the pointer stays where it is
    says.dataset.says = says.textContent = said;
    if (answer.state === "failed" || answer.state === "waits") {
      const button = element("button", { type: "button" }, answer.state === "failed" ? "Ask again" : "Ask it");
      button.addEventListener("click", askAgain);
      says.append(" ", button);
    }
  }
}

function words({ state, reason, dollars: price }) {
  switch (state) {
    case "asking": return "asking …";
    case "failed": return reason;
    case "waits": return `Press Enter to ask it: about ${dollars(price)}.`;
    case "asks": return `Not asked: it ${reason}. Allow more above.`;
    default: return "No picture is embedded by all embedders yet.";
  }
}
