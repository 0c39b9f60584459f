// How pictures are shown, remembered from page to page: as a list or a gallery, how high the gallery's rows are,
// and whether an embedder has a column or a row of it.

import { remember, remembered } from "./remember.js";
import { keepInPlace } from "./stay.js";

const SIZES = [120, 200, 320];
const place = document.getElementById("answer");
const size = document.getElementById("size");
const narrow = matchMedia("(max-width: 759px)").matches;
const usual = { view: "list", size: narrow ? "120" : "200", place: narrow ? "beneath" : "beside" };
const allowed = { view: ["list", "gallery"], size: SIZES.map(String), place: ["beside", "beneath"] };

function chosen(what) {
  const kept = remembered(what);
  return allowed[what].includes(kept) ? kept : usual[what];
}

export const view = () => chosen("view");

// Calls `changed` where the answer has to be fetched in another view.
export function watchView(changed) {
  apply();
  for (const radio of document.querySelectorAll("#shape input[type=radio]")) {
    radio.addEventListener("change", () => {
      remember(radio.name, radio.value);
      keepInPlace(place, apply);
      if (radio.name === "view") changed();
    });
  }
  size.addEventListener("input", () => {
    remember("size", SIZES[size.value]);
    keepInPlace(place, apply);
  });
}

export function switchView() {
  document.getElementById(view() === "list" ? "view-gallery" : "view-list").click();
}

function apply() {
  for (const what of ["view", "place"]) {
    const radio = document.getElementById(`${what}-${chosen(what)}`);
    if (radio) radio.checked = true;
  }
  size.value = SIZES.indexOf(Number(chosen("size")));
  size.setAttribute("aria-valuetext", `${chosen("size")} pixels`);
  place.style.setProperty("--gallery-height", `${chosen("size")}px`);
  place.classList.toggle("beneath", chosen("place") === "beneath");
  document.body.classList.toggle("as-gallery", view() === "gallery");
}
