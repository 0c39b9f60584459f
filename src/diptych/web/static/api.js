// What the page asks its own server, and the words in which it is refused.

export async function get(path, params = {}) {
  return answer(await fetch(`${path}?${toQuery(params)}`));
}

export async function post(path, body) {
  const bytes = body instanceof Blob;
  return answer(await fetch(path, {
    method: "POST",
    headers: { "Content-Type": bytes ? body.type || "application/octet-stream" : "application/json" },
    body: bytes ? body : JSON.stringify(body),
  }));
}

// Parameters as the server takes them: lists by repeating, nothing for what is empty.
export function toQuery(params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(name, one);
    }
  }
  return query;
}

async function answer(response) {
  const json = response.headers.get("Content-Type")?.startsWith("application/json");
  const content = json ? await response.json() : await response.text();
  if (response.ok) return content;
  const reason = json && typeof content.detail === "string" ? content.detail : response.statusText;
  throw new Error(reason || `the server says ${response.status}`);
}

// Tells a person that something could not be done; nothing takes the words away again.
export function complain(error) {
  const place = document.getElementById("trouble");
  place.hidden = !error;
  place.textContent = error ? error.message : "";
}
