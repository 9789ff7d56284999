// Keeps a page that says data-live up to date: when something of what it names
// has changed, the page is asked for again and its content replaced, unless
// someone is typing or has text selected in it. Everything works without this.
"use strict";
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const wanted = main.dataset.live.split(" ");
  let due = false, asking = false;

  const busy = () => main.querySelector("input:focus, select:focus") !== null ||
    [...main.querySelectorAll("input:not([type=hidden])")].some((i) => i.value !== i.defaultValue) ||
    !getSelection().isCollapsed || document.hidden;

  const refresh = async () => {
    if (!due || asking || busy()) return;
    due = false;
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = new Set([...document.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
      const focused = document.activeElement && document.activeElement.getAttribute("href");
      for (const part of ["main", ".banners"]) {
        const now = document.querySelector(part), next = fresh.querySelector(part);
        if (now && next) now.replaceChildren(...next.childNodes);
        else if (now) now.remove();
        else if (next) document.querySelector("main").before(next);
      }
      for (const s of document.querySelectorAll("details > summary")) if (open.has(s.textContent)) s.parentElement.open = true;
      if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    } catch {
      due = true; // the proxy is restarting; the next event asks again
    } finally {
      asking = false;
    }
  };

  // A browser has six connections for all its tabs on one host (HTTP/1.1), and
  // each stream takes one: only a tab that is seen has one.
  let events = null;
  const follow = () => {
    if (document.hidden) {
      events?.close();
      events = null;
      return;
    }
    if (events) return;
    events = new EventSource("/api/v1/events");
    events.addEventListener("change", (e) => {
      if (JSON.parse(e.data).what.some((w) => wanted.includes(w))) due = true;
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) due = true; // what was missed
    follow();
  });
  follow();
  setInterval(refresh, 1000);
})();
