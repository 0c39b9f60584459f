// What the page asks its own server, and the words in which it is refused.

export async function get(path, params = {}) {
  return answer(await reach(`${path}?${toQuery(params)}`));
}

export async function post(path, body) {
  const bytes = body instanceof Blob;
  return answer(await reach(path, {
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

async function reach(...request) {
  try {
    return await fetch(...request);
  } catch {
    throw new Error("The server does not answer: is diptych serve still running?");
  }
}

async function answer(response) {
  const json = response.headers.get("Content-Type")?.startsWith("application/json");
  const content = json ? await response.json() : await response.text();
  if (response.ok) return content;
  const said = json ? content.detail : undefined;
  const reason = Array.isArray(said) ? said.map((each) => each.msg).join("; ") : said;
  throw new Error(reason || response.statusText || `the server says ${response.status}`);
}

// Answers come back in any order. Of those that are put through one of these only the answer to the latest
// question counts; an older one comes to undefined.
export function latest() {
  let questions = 0;
  return async (answered) => {
    const mine = ++questions;
    const came = await answered;
    return mine === questions ? came : undefined;
  };
}

// Tells a person that something could not be done; nothing takes the words away again.
export function complain(error) {
  const place = document.getElementById("trouble");
  place.hidden = !error;
  place.textContent = error ? error.message : "";
}
