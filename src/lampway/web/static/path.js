// Live progress. Without it, the page says the same when it is loaded again.
"use strict";

const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  document.querySelector(".no-script").hidden = true;
  const stream = new EventSource(`${live.dataset.live}/events`);
  stream.addEventListener("state", async () => {
    const reply = await fetch(`${live.dataset.live}/progress`);
    if (reply.ok && !reply.redirected) live.innerHTML = await reply.text();
  });
  stream.addEventListener("over", () => {
    stream.close();
    window.location.replace(live.dataset.live);
  });
  window.addEventListener("pagehide", () => stream.close());
}
