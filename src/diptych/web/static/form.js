// The query as it stands in the form and in the address: one may be made from the other.

import { toQuery } from "./api.js";
import { element } from "./element.js";

const form = document.getElementById("ask");
const thumbnail = document.getElementById("asked");
const save = document.getElementById("save");
let picture = null;
let here = null;  // the address that the form agrees with

// The query, or null where there is none yet.
export function ask() {
  const text = form.text.value.trim();
  if (!text && !picture) return null;
  const against = picture ? [] : form.against.value.split(";").map((one) => one.trim()).filter(Boolean);
  const asked = { k: Number(form.k.value), against, label: form.label?.value || null };
  return picture ? { ...asked, picture } : { ...asked, text };
}

// Put a query, or some of it, into the form.
export function fill(query) {
  if ("text" in query) form.text.value = query.text ?? "";
  if ("picture" in query) picture = query.picture;
  if (query.k) {
    form.k.value = query.k;
    document.getElementById("k-shown").value = form.k.value;
  }
  if ("against" in query) form.against.value = query.against.join("; ");
  if ("label" in query && form.label) form.label.value = query.label ?? "";
  showPicture();
}

function showPicture() {
  thumbnail.hidden = !picture;
  thumbnail.replaceChildren();
  if (picture) thumbnail.append(element("img", { src: `/pictures/${picture}/thumbnail`, alt: "The query picture" }));
  form.text.placeholder = picture ? "like this picture" : "a dog with a bird";
}

// The query that the address names.
export function fromAddress() {
  here = location.search;
  const query = new URLSearchParams(here);
  return {
    text: query.get("text") ?? "",
    picture: query.get("picture"),
    k: query.get("k"),
    against: query.getAll("against"),
    label: query.get("label"),
  };
}

// Whether the address names another query than when it was last looked at, and not just another place on the page.
export const hasMoved = () => location.search !== here;

// Put the query into the address, so that the page can be found again with it; as a step to go back from, or
// in the place of another way to write the same.
export function permalink(asked, step) {
  const address = `/?${toQuery(asked)}`;
  if (address !== location.pathname + location.search) {
    if (step) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }
  here = location.search;
}

// What else can be done with a query that is shown.
export function show(asked) {
  save.hidden = !asked;
  if (asked) save.href = `/report?${toQuery(asked)}`;
  document.title = `${asked?.text ?? (asked ? "a picture" : "Compare")} — Diptych`;
}
