// What the pages of evidence do beside being read: copy a text, and go from one
// changed place to the next by n and p. Everything is there without this, too.
"use strict";
(() => {
  document.documentElement.classList.add("scripts");

  // Clipboards are for pages of a secure origin; on another one the text is
  // selected, and copied as a person would.
  const copy = async (pre) => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(pre);
      return document.execCommand("copy");
    }
  };

  document.addEventListener("click", async (e) => {
    const button = e.target.closest("button[data-copies]");
    if (!button) return;
    const name = button.dataset.name ??= button.textContent;
    button.textContent = (await copy(document.getElementById(button.dataset.copies))) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = name }, 2000);
  });

  const typing = (e) => e.ctrlKey || e.metaKey || e.altKey || e.target.closest?.("input, select, textarea");

  let last = null; // the changed place that was gone to
  document.addEventListener("keydown", (e) => {
    if (typing(e) || (e.key !== "n" && e.key !== "p")) return;
    const places = [...document.querySelectorAll("tr.differs")].filter((row, i, all) => all[i - 1] !== row.previousElementSibling);
    if (places.length === 0) return;
    e.preventDefault();
    const from = places.indexOf(last);
    const step = e.key === "n" ? 1 : -1;
    last = places[from < 0 ? (step > 0 ? 0 : places.length - 1) : (from + step + places.length) % places.length];
    last.tabIndex = -1;
    last.focus({ preventScroll: true });
    last.scrollIntoView({ block: "center" });
  });
})();
