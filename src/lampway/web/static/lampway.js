// Small conveniences. Every page works without them.
"use strict";

// A search field that filters as one types, where the whole list is on the page.
const search = document.querySelector("form.filter input[type=search]");
if (search && !document.querySelector("[data-paged]")) {
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("table.matrix tbody tr")) {
      row.hidden = !row.querySelector("th").textContent.toLowerCase().includes(wanted);
    }
  });
}

// Nothing is sent twice by an impatient click.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A menu closes when one goes elsewhere.
const closeMenus = (but) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== but) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  closeMenus();
  if (menu) menu.querySelector("summary").focus();
});

// Paper holds everything: what is folded on the screen is printed too, and folded again afterwards.
const unfolded = [];
window.addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("main details:not([open])")) { one.open = true; unfolded.push(one); }
});
window.addEventListener("afterprint", () => { for (const one of unfolded.splice(0)) one.open = false; });
