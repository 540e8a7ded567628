"use strict";
(() => {
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);

  // The colours are chosen by radio buttons and CSS alone; this only remembers the choice.
  const themes = all("input[name=theme]");
  const stored = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("backproof-theme");
      localStorage.setItem("backproof-theme", value);
    } catch { /* a page from a file may have no storage */ }
    return null;
  };
  const before = stored();
  for (const input of themes) {
    if (input.value === before) input.checked = true;
    input.addEventListener("change", () => stored(input.value));
  }

  // What scrolls sideways can be reached by keyboard.
  const measured = ".formula, .scroll, pre";
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth + 1) target.setAttribute("tabindex", "0");
      else target.removeAttribute("tabindex");
    }
  });
  all(measured).forEach((box) => observer.observe(box));

  // A link to an equation opens what is known of it.
  const openTarget = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* as it stands */ }
    const target = id && document.getElementById(id);
    if (!target) return;
    target.hidden = false;
    const known = target.querySelector("details.known");
    if (known && target.classList.contains("line")) known.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", openTarget);

  const tools = one(".tools");
  if (tools) {
    const boxes = all("input[name=kind]", tools);
    const search = one(".tools input[type=search]");
    const output = one(".tools output");
    const opener = one(".tools .open-all");
    const lines = all(".line");
    const groups = all(".chain, .document");
    const main = one("main");

    const apply = () => {
      const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const line of lines) {
        const fits = (!kinds.size || kinds.has(line.dataset.kind)) && words.every((word) => line.dataset.sought.includes(word));
        line.hidden = !fits;
        count += fits;
      }
      const filtered = kinds.size > 0 || words.length > 0;
      main.classList.toggle("filtered", filtered);
      for (const group of groups) group.hidden = filtered && !group.querySelector(".line:not([hidden])");
      output.textContent = `${count} of ${lines.length}`;
    };
    tools.hidden = false;
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("input", apply);
    opener.addEventListener("click", () => {
      const open = opener.getAttribute("aria-pressed") !== "true";
      opener.setAttribute("aria-pressed", String(open));
      opener.textContent = open ? "close all" : "open all";
      for (const line of lines) if (!line.hidden) all("details.known", line).forEach((part) => { part.open = open; });
    });
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target instanceof HTMLElement && event.target.matches("input[type=search], textarea");
      if (event.key === "/" && !typing) { event.preventDefault(); search.focus(); }
      if (event.key === "Escape") { search.value = ""; boxes.forEach((box) => { box.checked = false; }); apply(); }
    });
    apply();
  }
  openTarget();

  // On paper everything is open.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));
})();
