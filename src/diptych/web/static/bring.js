// Pictures from outside: chosen, dropped or pasted anywhere on the page.

import { complain, latest, post } from "./api.js";

const newest = latest();

export function listenForPictures() {
  const input = document.getElementById("file");
  input.addEventListener("change", () => {
    bring(input.files);
    input.value = "";
  });
  document.addEventListener("paste", (event) => bring(event.clipboardData?.files, event));
  document.addEventListener("dragover", (event) => {
    if ([...event.dataTransfer.types].includes("Files")) {
      event.preventDefault();
      document.body.classList.add("dropping");
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    bring(event.dataTransfer.files, event);
  });
}

// Send the first file, whatever it claims to be: whether it is a picture is decided where it is decoded.
async function bring(files, event) {
  const file = files?.[0];
  if (!file) return;
  event?.preventDefault();
  try {
    const brought = await newest(post(`/api/pictures?name=${encodeURIComponent(file.name.slice(0, 200))}`, file));
    if (!brought) return;
    complain(null);
    document.dispatchEvent(new CustomEvent("ask-picture", { detail: { id: brought.id } }));
  } catch (error) {
    complain(error);
  }
}
