// Shortens round trips, nothing more: every page does all it does without this.
const errors = document.querySelector(".errors[tabindex]");
if (errors) errors.focus();

// What changes on the page is told once, politely.
const live = document.querySelector("#live");
const tell = (text) => { live.textContent = text; };
const notice = document.querySelector("main > .notice");
if (notice) setTimeout(tell, 300, notice.textContent);

// Two minutes before the session ends: a warning, and a way to stay. Any page of ours that is opened counts.
const session = document.querySelector(".session");
if (session) {
  const SOON = 120_000;
  const OWN = "forloebsplan-slut";
  let ends = Date.now() + 1000 * session.dataset.left;
  let timer;
  const show = (when) => {
    session.hidden = !when;
    for (const one of session.querySelectorAll("[data-when]")) {
      one.hidden = one.dataset.when !== when;
      if (!one.hidden) tell(one.textContent);
    }
    session.querySelector("button").hidden = when !== "soon";
  };
  const look = () => {
    clearTimeout(timer);
    const left = ends - Date.now();
    show(left > SOON ? "" : left > 0 ? "soon" : "over");
    if (left > 0) timer = setTimeout(look, left > SOON ? left - SOON : left);
  };
  const until = (at) => { ends = at; look(); };
  session.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch("/hjaelp").then((one) => one.text(), () => "");
    const found = new DOMParser().parseFromString(answer, "text/html").querySelector(".session");
    if (!answer) return;
    until(Date.now() + 1000 * (found ? found.dataset.left : 0));
    if (ends > Date.now() + SOON) {
      localStorage.setItem(OWN, ends);
      document.querySelector("main").focus();
      tell(session.querySelector("[data-when=stays]").textContent);
    }
  });
  addEventListener("storage", (event) => { if (event.key === OWN && event.newValue > ends) until(Number(event.newValue)); });
  addEventListener("visibilitychange", look);
  localStorage.setItem(OWN, ends);
  look();
}

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
