// The colours of the page, remembered from page to page.

import { remember, remembered } from "./remember.js";

const chosen = remembered("theme");
for (const radio of document.querySelectorAll("input[name=theme]")) {
  radio.checked = radio.id === (chosen ?? "theme-auto");
  radio.addEventListener("change", () => remember("theme", radio.id));
}
