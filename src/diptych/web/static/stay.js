// What a person points at or has the focus on stays where it is while what is around it is made anew.

let pointer = null;
document.addEventListener("pointermove", ({ clientX, clientY }) => { pointer = [clientX, clientY]; }, { passive: true });
document.addEventListener("pointerleave", () => { pointer = null; });

export function keepInPlace(place, change) {
  const held = hold(place);
  change();
  const again = held && find(place, held);
  if (!again) return;
  if (held.focus) again.querySelector(held.focus)?.focus({ preventScroll: true });
  window.scrollBy({ top: again.getBoundingClientRect().top - held.top, behavior: "instant" });
}

// The hit with the focus, or under the pointer, or the first that is seen once somebody has scrolled.
function hold(place) {
  const active = document.activeElement.closest("#answer [data-of]");
  const pointed = pointer && document.elementFromPoint(...pointer)?.closest("#answer li[data-of]");
  const hit = active ?? pointed ?? (window.scrollY > 0 ? firstSeen(place) : null);
  if (!hit) return null;
  return {
    of: hit.dataset.of,
    column: columnOf(hit),
    top: hit.getBoundingClientRect().top,
    focus: active ? selectorOf(document.activeElement) : null,
  };
}

function firstSeen(place) {
  return [...place.querySelectorAll("li[data-of]")].find((hit) => hit.getBoundingClientRect().top >= 0);
}

const columnOf = (hit) => [...hit.closest("article").classList].find((name) => name.startsWith("col-"));
const find = (place, { of, column }) => place.querySelector(`.${column} li[data-of="${of}"]`);

function selectorOf(element) {
  return element.dataset.mark ? `[data-mark="${element.dataset.mark}"]` : element.matches(".enlarge") ? ".enlarge" : ".picture";
}
