"use strict";
// What needs a script: the large view, keys between queries, the same picture shown in every list, and which
// queries are shown in which order.
(() => {
  const dialog = document.getElementById("large");
  const view = dialog.querySelector(".view");
  const caption = dialog.querySelector(".caption");
  let row = [];
  let at = 0;

  for (const picture of document.querySelectorAll("svg.picture")) {
    picture.setAttribute("role", "button");
    // At a glance three pictures are one stop for the Tab key: the large view goes on to the other two.
    picture.setAttribute("tabindex", picture.matches(".three li + li .picture") ? "-1" : "0");
    picture.dataset.words = picture.getAttribute("aria-label");
    picture.setAttribute("aria-label", `Enlarge ${picture.dataset.words}`);
  }

  function show(step) {
    at = (at + step + row.length) % row.length;
    const { picture, words } = row[at].dataset;
    view.setAttribute("viewBox", document.getElementById(picture).getAttribute("viewBox"));
    view.setAttribute("aria-label", words);
    view.firstElementChild.setAttribute("href", `#${picture}`);
    const hit = row[at].closest(".hit, .tile");
    const rank = hit ? hit.querySelector(".rank").textContent : row[at].closest(".three") && at + 1;
    caption.textContent = rank ? `${rank} · ${words}` : words;
  }

  function enlarge(picture) {
    const list = picture.closest("article, ol, ul");
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
    const sections = [...document.querySelectorAll("main > section:not([hidden])")];
    const next = step > 0
      ? sections.find((section) => section.getBoundingClientRect().top > 80)
      : sections.findLast((section) => section.getBoundingClientRect().top < -8);
    if (!next) return window.scrollTo(0, step > 0 ? document.body.scrollHeight : 0);
    next.querySelector("h2").focus({ preventScroll: true });
    next.scrollIntoView();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=search], select")) return;
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

  // The queries: filtered by the words in them, sorted; the table, the contents and the sections alike.
  const sift = document.getElementById("sift");
  const places = [...document.querySelectorAll(".sifted")].concat(document.querySelector("main"));
  const asked = [...document.querySelectorAll("tbody.sifted tr")].map((row) => row.dataset);
  const first = (key, sign) => (a, b) => sign * ((a[key] ?? sign * Infinity) - (b[key] ?? sign * Infinity)) || 0;
  const orders = {
    number: () => 0,
    apart: first("apart", -1),
    value: first("value", 1),
    name: (a, b) => a.name.localeCompare(b.name),
  };

  function arrange() {
    const words = document.getElementById("filter").value.toLowerCase().split(/\s+/);
    const order = [...asked].sort(orders[document.getElementById("sort").value]);
    const shown = order.filter(({ name }) => words.every((word) => name.includes(word)));
    for (const place of places) {
      const after = place.matches("main") ? place.querySelector("section:not([data-number])") : null;
      for (const one of order) {
        const element = place.querySelector(`:scope > [data-number="${one.number}"]`);
        element.hidden = !shown.includes(one);
        place.insertBefore(element, after);
      }
    }
    sift.querySelector(".count").textContent = shown.length < asked.length ? `${shown.length} of ${asked.length} shown` : "";
    document.querySelector(".nothing").hidden = shown.length > 0;
  }

  if (sift) {
    sift.hidden = false;
    sift.addEventListener("input", arrange);
    sift.addEventListener("submit", (event) => event.preventDefault());
  }

  // The contents: which query is being read; on a narrow screen they close behind whoever leaves them.
  const contents = document.querySelector(".contents details");
  document.querySelector(".keys").hidden = false;
  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      const link = links.get(target.id);
      if (isIntersecting) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-30% 0px -70% 0px" });
  for (const section of document.querySelectorAll("#answers, main > section[id]")) watch.observe(section);
  contents.addEventListener("click", (event) => { if (event.target.closest("a")) contents.open = false; });
  contents.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !contents.open) return;
    contents.open = false;
    contents.querySelector("summary").focus();
  });

  // What is folded opens for whoever follows a link into it, and on paper where the style sheet cannot.
  function unfold() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details:not([open])");
    if (!folded) return;
    folded.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  unfold();
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.fold:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  window.addEventListener("afterprint", () => { for (const fold of opened) fold.open = false; });
})();
