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

// What is typed in a form with data-draft is kept by itself, a moment after the last change and when the page is left.
for (const form of document.querySelectorAll("form[data-draft]")) {
  const SOON = 2_500, RETRY = 20_000, MOST = 300_000;
  let timer, under, wait = RETRY;
  const later = (after) => { clearTimeout(timer); timer = setTimeout(keep, after); };
  const say = ({ kladde, says, line }) => {
    if (kladde !== undefined) form.elements.kladde.value = kladde;
    for (const one of form.querySelectorAll("[data-draft-line]")) one.textContent = line || says || "";
    if (says && live.textContent !== says) tell(says);
  };
  const keep = async () => {
    clearTimeout(timer);
    timer = undefined;
    if (form.dataset.sent) return;
    if (under) return later(SOON);
    const body = new URLSearchParams(new FormData(form));
    body.set("handling", "kladde");
    body.set("stille", "ja");
    under = new AbortController();
    try {
      const answer = await fetch(form.action, { method: "POST", body, keepalive: true, redirect: "error", signal: under.signal });
      if (!answer.ok && answer.status !== 409) throw answer;
      say(await answer.json().catch(() => ({})));
      wait = RETRY;
    } catch {
      if (!form.dataset.sent) later(wait);
      wait = Math.min(2 * wait, MOST);
    }
    under = undefined;
  };
  form.addEventListener("input", () => later(SOON));
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    timer = undefined;
    if (under) under.abort();
  });
  addEventListener("pagehide", () => { if (timer) keep(); });
}

// A form that waits for the network: the page stays and sends it later. Nothing is stored: others may use this browser.
for (const waits of document.querySelectorAll("[data-waits]")) {
  const form = waits.closest("form");
  const says = waits.querySelector("p").textContent;
  const over = document.querySelector(".session [data-when=over]");
  const stay = (event) => event.preventDefault();
  const probe = () => fetch(import.meta.url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(8_000) });
  let button, timer, goes = false;
  const wait = () => {
    waits.hidden = false;
    if (live.textContent !== says) tell(says);
    addEventListener("beforeunload", stay);
    timer = setTimeout(again, 20_000);
  };
  const again = () => {
    if (waits.hidden || goes) return;
    if (over && !over.hidden) tell(over.textContent);
    else form.requestSubmit(button);
  };
  form.addEventListener("submit", async (event) => {
    if (goes || event.defaultPrevented) return;
    event.preventDefault();
    button = event.submitter;
    clearTimeout(timer);
    goes = navigator.onLine && await probe().then(() => true, () => false);
    delete form.dataset.sent;
    if (!goes) return wait();
    removeEventListener("beforeunload", stay);
    form.requestSubmit(button);
  });
  waits.querySelector("button").addEventListener("click", () => { tell(""); again(); });
  addEventListener("online", again);
  addEventListener("pageshow", () => { waits.hidden = true; goes = false; });
}

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
