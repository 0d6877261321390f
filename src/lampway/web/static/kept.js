// What somebody typed is there again where their form was refused, or where they had to sign in meanwhile.
// It lies in this tab alone, for half an hour, and for this person; ticks and secrets are never kept.
"use strict";

{
  const place = "typed";
  const lasts = 30 * 60 * 1000;
  const who = document.body.dataset.who;
  const fields = (form) => [...form.elements].filter(
    (one) => one.name && one.matches("textarea, select, input[type=text], input[type=date], input:not([type])"));

  for (const form of document.querySelectorAll("main form[method=post]:not([data-passkey])")) {
    form.addEventListener("submit", () => {
      const typed = fields(form).map((one) => [one.name, one.value]);
      const kept = { who, path: location.pathname, action: form.getAttribute("action"), at: Date.now(), typed };
      try { sessionStorage.setItem(place, JSON.stringify(kept)); } catch { /* there is no room: then it is not kept */ }
    });
  }

  const kept = JSON.parse(sessionStorage.getItem(place) || "null");
  const isOver = kept && (kept.who !== who || Date.now() - kept.at > lasts || document.querySelector(".told"));
  if (isOver) sessionStorage.removeItem(place);
  else if (kept && kept.path === location.pathname && !document.querySelector("[data-refused]")) {
    const form = [...document.querySelectorAll("main form")].find((one) => one.getAttribute("action") === kept.action);
    for (const [name, value] of form ? kept.typed : []) {
      const field = fields(form).find((one) => one.name === name);
      if (!field || !value || field.value === value) continue;
      field.value = value;
      const folded = field.closest("details");
      if (folded) folded.open = true;
    }
    sessionStorage.removeItem(place);
  }
}
