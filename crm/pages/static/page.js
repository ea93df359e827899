// Keeps the parts marked data-poll up to date, a second at a time. What did not change is left alone, and a
// playing recording (data-keep) is carried over, so that nothing jumps or stops.
"use strict";

const PERIOD_MS = 1000;

async function refresh(part) {
  const address = part.dataset.poll;
  const answer = await fetch(address, { cache: "no-store" });
  if (answer.redirected) {
    location.reload(); // the session is over
    return;
  }
  if (!answer.ok) return;
  const text = await answer.text();
  if (text === part.lastText || address !== part.dataset.poll) return;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const kept of part.querySelectorAll("[data-keep]")) {
    const place = [...fresh.querySelectorAll("[data-keep]")].find((other) => other.getAttribute("src") === kept.getAttribute("src"));
    if (place && !kept.paused) return; // redrawn when it has been listened to
  }
  part.replaceChildren(...fresh.body.childNodes);
  part.lastText = text;
}

async function poll(part) {
  // A part that shows nothing now has an empty address.
  if (!document.hidden && part.dataset.poll) {
    try {
      await refresh(part);
    } catch {
      // The server is away for a moment: the next second tries again.
    }
  }
  setTimeout(() => poll(part), PERIOD_MS);
}

for (const part of document.querySelectorAll("[data-poll]")) setTimeout(() => poll(part), PERIOD_MS);
