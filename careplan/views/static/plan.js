// Shortens round trips, nothing more: every page does all it does without this.
const errors = document.querySelector(".errors[tabindex]");
if (errors) errors.focus();

// A form sent once is not sent again by a second click.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The worklist: "/" goes to the search, j and k move between rows' buttons.
const search = document.querySelector(".search #navn");
const steps = [...document.querySelectorAll(".list .button")];
if (search) {
  addEventListener("keydown", (event) => {
    if (!event.target.closest("main") || event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { j: 1, k: -1 }[event.key];
    if (event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (move && steps.length) {
      const at = steps.indexOf(document.activeElement);
      steps[Math.min(steps.length - 1, Math.max(0, at + move))].focus();
    }
  });
}
