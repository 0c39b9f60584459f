// What a person chose, kept by the browser for the next page. Where it refuses that (a notebook's frame, while cookies
// of other sites are blocked), what was chosen holds as long as the page is open.

const chosen = new Map();

export function remember(what, value) {
  chosen.set(what, String(value));
  try {
    localStorage.setItem(what, value);
  } catch {
    // kept above
  }
}

export function remembered(what) {
  try {
    return localStorage.getItem(what) ?? chosen.get(what) ?? null;
  } catch {
    return chosen.get(what) ?? null;
  }
}
