// Forms without leaving the page. Filters (`data-auto`) act when they are chosen, and the page's address
// follows. An upload (`data-upload`) is answered in place, so that the chosen file stays chosen. Forms that
// write remember that something was typed, so that no update and no careless click throws it away.
import { parse, say, show } from "./live.js";

export function submitOnChange() {
  document.addEventListener("change", (event) => {
    const { form, dataset } = event.target;
    if (form && "auto" in form.dataset && !("wait" in dataset)) form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    const { form, type } = event.target;
    if (form?.method === "post" && type !== "file") form.dataset.changed = "yes";
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    delete form.dataset.changed;
    if ("auto" in form.dataset) {
      event.preventDefault();
      go(`${form.action}?${new URLSearchParams(new FormData(form, event.submitter))}`);
    } else if ("upload" in form.dataset) {
      event.preventDefault();
      upload(form, event.submitter);
    }
  });
  // A step to a heading of this page is a step in the history, too.
  window.addEventListener("popstate", () => state() !== current && go(location.href));
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("#main form[data-changed]")) event.preventDefault();
  });
}

let latest = 0;
let current = state();

function state() {
  return location.pathname + location.search;
}

/// Shows another state of this page. Only the last that was asked for counts.
async function go(address) {
  const own = ++latest;
  try {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    const next = parse(await answer.text());
    if (own !== latest) return;
    if (!answer.ok || new URL(answer.url).pathname !== location.pathname) return location.assign(answer.url);
    if (answer.url !== location.href) history.pushState(null, "", answer.url);
    current = state();
    show(next, { reset: true });
  } catch {
    if (own === latest) location.assign(address);
  }
}

async function upload(form, submitter) {
  const body = new FormData(form, submitter);
  if (submitter) submitter.disabled = true;
  say("Sending…");
  try {
    const answer = await fetch(form.action, { method: "POST", headers: { accept: "text/html" }, body });
    if (answer.redirected) return location.assign(answer.url);
    show(parse(await answer.text()));
    say("");
    document.getElementById("answer")?.focus();
  } catch {
    say("The file could not be sent. Was it changed after it was chosen? Choose it again.");
  } finally {
    if (submitter) submitter.disabled = false;
  }
}
