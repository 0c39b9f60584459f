// The query as it stands in the form and in the address: one may be made from the other.

import { toQuery } from "./api.js";
import { element } from "./element.js";

const form = document.getElementById("ask");
const thumbnail = document.getElementById("asked");
const save = document.getElementById("save");
let picture = null;

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
  if (picture) thumbnail.append(element("img", { src: `/pictures/${picture}/thumbnail`, alt: "The picture asked with" }));
  form.text.placeholder = picture ? "like this picture" : "a dog with a bird";
}

// The query that the address names.
export function fromAddress() {
  const query = new URLSearchParams(location.search);
  return {
    text: query.get("text") ?? "",
    picture: query.get("picture"),
    k: query.get("k"),
    against: query.getAll("against"),
    label: query.get("label"),
  };
}

// Put the query into the address, so that the page can be found again with it.
export function permalink(asked) {
  const address = `/?${toQuery(asked)}`;
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
}

// What else can be done with a query that is shown.
export function show(asked) {
  save.hidden = !asked;
  if (asked) save.href = `/report?${toQuery(asked)}`;
  document.title = `${asked?.text ?? (asked ? "a picture" : "Compare")} — Diptych`;
}
