// Live progress. Without it, the page says the same when it is loaded again.
"use strict";

const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  document.querySelector(".no-script").hidden = true;
  const stream = new EventSource(`${live.dataset.live}/events`);
  // What somebody has begun to write is not taken from them: then only the progress is put in its place.
  const begun = () => [...document.querySelectorAll("main input:not([type=hidden]), main textarea, main select")].some(
    (field) => field.value && field.value !== field.defaultValue);
  // What the gates of the page wait for, as its progress tells it: once that is another, the page is read anew.
  const waits = (where) => where.querySelector("[data-waits]")?.dataset.waits;
  stream.addEventListener("state", async (event) => {
    if (event.data !== live.dataset.state && !begun()) {
      stream.close();
      window.location.reload();
      return;
    }
    const reply = await fetch(`${live.dataset.live}/progress`);
    if (!reply.ok || reply.redirected) return;
    const text = await reply.text();
    const fresh = document.createElement("template");
    fresh.innerHTML = text;
    if (waits(live) !== waits(fresh.content) && !begun()) {
      stream.close();
      window.location.reload();
      return;
    }
    const read = [...live.querySelectorAll("details")].map((one) => one.open);
    live.innerHTML = text;
    live.querySelectorAll("details").forEach((one, place) => { if (read[place]) one.open = true; });
  });
  stream.addEventListener("over", () => {
    stream.close();
    if (!begun()) window.location.reload();
  });
  window.addEventListener("pagehide", () => stream.close());
}
