"use strict";
// What needs a script: the large view, keys between queries, and the same picture shown in every list.
(() => {
  const dialog = document.getElementById("large");
  const view = dialog.querySelector(".view");
  const caption = dialog.querySelector(".caption");
  let row = [];
  let at = 0;

  for (const picture of document.querySelectorAll("svg.picture")) {
    picture.setAttribute("role", "button");
    picture.setAttribute("tabindex", "0");
    picture.dataset.words = picture.getAttribute("aria-label");
    picture.setAttribute("aria-label", `Enlarge ${picture.dataset.words}`);
  }

  function show(step) {
    at = (at + step + row.length) % row.length;
    const { picture, words } = row[at].dataset;
    view.setAttribute("viewBox", document.getElementById(picture).getAttribute("viewBox"));
    view.setAttribute("aria-label", words);
    view.firstElementChild.setAttribute("href", `#${picture}`);
    const hit = row[at].closest(".hit");
    caption.textContent = hit ? `${hit.querySelector(".rank").textContent} · ${words}` : words;
  }

  function enlarge(picture) {
    const list = picture.closest("ol, ul");
    row = list ? [...list.querySelectorAll("svg.picture")] : [picture];
    at = row.indexOf(picture);
    show(0);
    for (const button of dialog.querySelectorAll("[data-step]")) button.hidden = row.length < 2;
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const picture = event.target.closest("svg.picture");
    if (picture) enlarge(picture);
    else if (event.target.closest("[data-step]")) show(Number(event.target.dataset.step));
    else if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
  });

  function go(step) {
    const sections = [...document.querySelectorAll("main > section")];
    const next = step > 0
      ? sections.find((section) => section.getBoundingClientRect().top > 80)
      : sections.findLast((section) => section.getBoundingClientRect().top < -8);
    if (!next) return window.scrollTo(0, step > 0 ? document.body.scrollHeight : 0);
    next.querySelector("h2").focus({ preventScroll: true });
    next.scrollIntoView();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (dialog.open) {
      if (step) show(step);
    } else if (event.key === "j" || event.key === "k") {
      go(event.key === "j" ? 1 : -1);
    } else if ((event.key === "Enter" || event.key === " ") && event.target.matches("svg.picture")) {
      event.preventDefault();
      enlarge(event.target);
    }
  });

  // Two columns side by side are two different ones: choosing one that is there lets them change places.
  const chosen = { left: "0", right: "1" };
  for (const radio of document.querySelectorAll(".chooser input")) {
    radio.addEventListener("change", () => {
      const index = radio.id.split("-")[1];
      const other = radio.name === "left" ? "right" : "left";
      if (chosen[other] === index) {
        chosen[other] = chosen[radio.name];
        document.getElementById(`${other}-${chosen[other]}`).checked = true;
      }
      chosen[radio.name] = index;
    });
  }

  // Pointing at a hit marks the same picture, and its line, across the query.
  let marked = [];
  document.addEventListener("pointerover", (event) => {
    for (const element of marked) element.classList.remove("on");
    const hit = event.target.closest("[data-of]");
    marked = hit ? [...hit.closest("section").querySelectorAll(`[data-of="${hit.dataset.of}"]`)] : [];
    for (const element of marked) element.classList.add("on");
  });
})();
