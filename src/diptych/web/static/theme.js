// The colours of the page, remembered from page to page.

const chosen = localStorage.getItem("theme");
for (const radio of document.querySelectorAll("input[name=theme]")) {
  radio.checked = radio.id === (chosen ?? "theme-auto");
  radio.addEventListener("change", () => localStorage.setItem("theme", radio.id));
}
