// Keeps a page that says data-live up to date: when something of what it names
// has changed, htmx asks for the page again and turns what is there into it,
// unless someone is typing or has text selected in it. Everything works without
// this, and without the other scripts.
"use strict";
(() => {
  const main = () => document.getElementById("main");

  // What a person folds or types stays as it is.
  const closed = new WeakSet();
  Idiomorph.defaults.ignoreActiveValue = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node, change) =>
    !(node.tagName === "DETAILS" && name === "open" && (change === "remove" || closed.has(node)));
  document.addEventListener("click", (e) => {
    const details = e.target.closest?.("summary")?.parentElement;
    if (details?.open) closed.add(details);
    else if (details) closed.delete(details);
  });

  const busy = () => document.hidden || !getSelection().isCollapsed || document.querySelector("dialog[open]") !== null ||
    main().querySelector("input:focus, select:focus, textarea:focus") !== null ||
    [...main().querySelectorAll("input:not([type=hidden]), textarea")].some((i) => i.value !== i.defaultValue);

  // A page that takes long to make is asked for seldom: it may take a tenth of
  // the time.
  let due = false, asked = 0, next = 0;
  const refresh = () => {
    if (!due || asked || performance.now() < next || busy()) return;
    due = false;
    asked = performance.now();
    htmx.trigger(main(), "due");
  };
  const own = (e) => e.detail.requestConfig?.elt === main();
  document.addEventListener("htmx:afterRequest", (e) => {
    if (!own(e)) return;
    next = performance.now() + 9 * (performance.now() - asked);
    asked = 0;
    if (e.detail.xhr.status === 401) location.reload(); // the session is over
    else if (e.detail.failed || !e.detail.successful) due = true; // the proxy restarts
  });
  // Between the question and its answer somebody may have begun to type.
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (own(e) && busy()) {
      e.detail.shouldSwap = false;
      due = true;
    }
  });

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
      const wanted = main().dataset.live.split(" ");
      if (JSON.parse(e.data).what.some((w) => wanted.includes(w))) due = true;
    });
  };
  if (!main()?.dataset.live) return;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) due = true; // what was missed
    follow();
  });
  follow();
  setInterval(refresh, 1000);
})();
