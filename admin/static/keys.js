// Keys of the pages: / goes to the search, j and k through a list, u up, ? shows
// them all. None is taken while someone types, or together with another key.
"use strict";
(() => {
  const help = document.getElementById("keys");
  const links = () => [...document.querySelectorAll("#main tbody th a, #main tbody td:first-child a")]
    .filter((a) => a.getClientRects().length > 0);

  // move puts the focus on the first link of the next row, or of the one before.
  const move = (by) => {
    const rows = new Map(); // the first link of each
    for (const a of links()) {
      const row = a.closest("tr");
      if (!rows.has(row)) rows.set(row, a);
    }
    const list = [...rows.keys()];
    if (!list.length) return;
    const now = list.indexOf(document.activeElement?.closest("#main tr"));
    const to = now < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(now + by, 0), list.length - 1);
    rows.get(list[to]).focus();
    list[to].scrollIntoView({ block: "nearest" });
  };
  const places = { r: "/", v: "/coverage", c: "/comparisons", m: "/marks", o: "/readonly", a: "/audit" };
  const keys = {
    "/": () => document.querySelector("#main input[type=search]")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    u: () => [...document.querySelectorAll(".crumbs a")].pop()?.click(),
    "?": () => help?.showModal(),
    g: () => { going = true; },
  };

  let going = false;
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || help?.open) return;
    const field = e.target.closest?.("input, select, textarea");
    if (field) {
      if (e.key === "Escape") field.blur();
      return;
    }
    const to = going && places[e.key];
    going = false;
    if (to) location.assign(to);
    else if (Object.hasOwn(keys, e.key)) keys[e.key]();
    else return;
    e.preventDefault();
  });
  const button = document.querySelector("[data-keys]");
  if (button && help) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
})();
