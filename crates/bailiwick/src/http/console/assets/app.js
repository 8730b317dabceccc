// Keeps parts of a page live: when the server says that something moved, the page is fetched again
// and every element with `data-live` is replaced by its new self. Without this script all works,
// one reload at a time.
"use strict";
(() => {
  const live = () => document.querySelectorAll("[data-live][id]");
  if (live().length === 0) return;
  // The only HTML ever parsed is a page of our own server, fetched from our own origin.
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("bailiwick", { createHTML: (html) => html })
    : { createHTML: (html) => html };
  let timer = 0;
  const busy = () => {
    const at = document.activeElement;
    return at && at.matches("input, textarea, select") && at.closest("[data-live]");
  };
  const refresh = async () => {
    if (busy()) return;
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html");
    for (const old of live()) {
      const now = fresh.getElementById(old.id);
      if (now && now.outerHTML !== old.outerHTML) old.replaceWith(now);
    }
  };
  const moved = () => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh().catch(() => {}), 250);
  };
  const events = new EventSource("/events");
  events.addEventListener("change", moved);
  events.addEventListener("certificates", moved);
  events.addEventListener("watch", moved);
})();
