// Live updates: when the project changes, the page is fetched anew and its content is changed into the
// new one, in place: what has the focus keeps it, and so do the caret, a selection, what was typed, what
// was unfolded, and the place that one reads.
//
// Nothing may move under the reader. A part of a page that may grow or shrink marks its entries with
// `data-key`. While they are the same, in the same order, the page is updated at once; else a button
// offers the update. A page on which something was typed that is to be stored only says that there is news.
//
// The server is spared. One stream tells of changes, and a page that nobody looks at has none: browsers
// open few connections to one server. A burst of changes is one update, no update begins before the one
// before has ended, and the more pages are open, the further their updates are spread.

const SETTLE_MS = 250;
const SPREAD_MS = 5; // for each open page
const REST_MS = 1000;
const NOTICE_MS = 5000;
const RETRY_MS = 2000;
const RETRY_MOST_MS = 60_000;
const LEAVE_MS = 10_000;

let feed;
let timer;
let notice;
let busy = false;
let again = false;
let failures = 0;
let leaving;

export function watch() {
  if (!document.body.dataset.feed || !window.EventSource) return;
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", close);
  window.addEventListener("beforeunload", leave);
  window.addEventListener("pageshow", (event) => event.persisted && look());
  look();
}

function look() {
  if (document.hidden) close();
  else open();
}

function close() {
  feed?.close();
  feed = undefined;
  clearTimeout(timer);
  timer = undefined;
}

/// A page that is being left is not changed: what it was sent away to do would be news to it, and to load
/// it anew would end the way to the answer. One that stays after all, as after a download, looks again.
function leave() {
  close();
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    leaving = undefined;
    look();
  }, LEAVE_MS);
}

/// Opens the stream behind what the page shows: what happened since comes first.
function open() {
  close();
  feed = new EventSource(document.body.dataset.feed);
  feed.addEventListener("head", (event) => {
    const { revision, readers } = JSON.parse(event.data);
    if (revision > shown()) schedule(SETTLE_MS + Math.random() * readers * SPREAD_MS);
  });
  feed.addEventListener("open", () => {
    clearTimeout(notice);
    notice = undefined;
    say("");
  });
  // A stream ends now and then, and the browser opens it again. One that is refused stays closed: the
  // session has ended, the data was restored, or too many are open. A look at the page tells which.
  feed.addEventListener("error", () => {
    notice ??= setTimeout(() => say("Reconnecting…"), NOTICE_MS);
    if (feed?.readyState === EventSource.CLOSED) reopen();
  });
}

function reopen() {
  close();
  timer = setTimeout(async () => {
    timer = undefined;
    if (await refresh()) open();
    else if (!document.hidden) reopen();
  }, pause());
}

function pause() {
  return Math.min(RETRY_MOST_MS, RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}

function schedule(wait) {
  if (busy) again = true;
  else timer ??= setTimeout(run, wait);
}

async function run() {
  timer = undefined;
  const began = performance.now();
  const done = await refresh();
  const rest = Math.max(REST_MS, 4 * (performance.now() - began));
  if (!done) schedule(pause());
  else if (again) schedule(rest);
  again = false;
}

function shown() {
  return Number(document.getElementById("main").dataset.revision);
}

/// Fetches the page as it is now and shows it, or offers to. Answers whether the server did.
async function refresh() {
  if (busy) return true;
  busy = true;
  try {
    const address = location.href;
    const answer = await fetch(address, { headers: { accept: "text/html" }, cache: "no-cache" });
    if (answer.status >= 500) throw new Error(String(answer.status));
    const next = parse(await answer.text());
    failures = 0;
    if (leaving) return true;
    if (location.href !== address) again = true;
    else if (isBeingEdited()) say(answer.ok && !answer.redirected ? "This page has changed" : "This page is gone");
    else if (answer.redirected) location.assign(answer.url);
    else if (!answer.ok) location.reload();
    else if (keys(document) === keys(next)) show(next);
    else offer(next);
    return true;
  } catch {
    failures += 1;
    return false;
  } finally {
    busy = false;
  }
}

export function parse(text) {
  return new DOMParser().parseFromString(text, "text/html");
}

function keys(page) {
  return JSON.stringify(Array.from(page.querySelectorAll("#main [data-key]"), (entry) => entry.dataset.key));
}

/// Whether something was typed that is to be stored and is not yet.
function isBeingEdited() {
  return document.querySelector("#main form[data-changed]") != null;
}

/// Changes this page into another one. What was typed stays, unless a new state was asked for.
export function show(next, { reset = false } = {}) {
  document.getElementById("news")?.remove();
  const [from, to] = [document.getElementById("main"), next.getElementById("main")];
  mark(from, to);
  const restore = remember();
  const options = {
    ignoreActiveValue: !reset,
    callbacks: {
      beforeNodeMorphed: (old) => reset || !isChanged(old),
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details, dialog")),
    },
  };
  Idiomorph.morph(from, to, options);
  for (const id of ["searched-with"]) {
    const [old, now] = [document.getElementById(id), next.getElementById(id)];
    if (old && now) Idiomorph.morph(old, now);
  }
  restore();
  document.title = next.title;
  document.body.dataset.feed = next.body.dataset.feed ?? "";
}

/// Gives entries of one key one id, by which they are the same entry wherever it moves; marks the changed.
function mark(from, to) {
  const ids = new Map();
  const id = (entry) => {
    const { key } = entry.dataset;
    if (!ids.has(key)) ids.set(key, `entry-${ids.size}`);
    return ids.get(key);
  };
  const known = new Map();
  from.querySelectorAll("[data-key]").forEach((entry) => {
    known.set(entry.dataset.key, entry.textContent);
    if (!entry.id || entry.id.startsWith("entry-")) entry.id = id(entry);
  });
  to.querySelectorAll("[data-key]").forEach((entry) => {
    const before = known.get(entry.dataset.key);
    if (before !== undefined && before !== entry.textContent) entry.classList.add("fresh");
    if (!entry.id) entry.id = id(entry);
  });
}

/// Whether a control holds something else than the page that was loaded put there.
function isChanged(node) {
  if (node instanceof HTMLSelectElement) {
    return Array.from(node.options).some((option) => option.selected !== option.defaultSelected && option.index > 0);
  }
  if (node instanceof HTMLTextAreaElement) return node.value !== node.defaultValue;
  if (!(node instanceof HTMLInputElement)) return false;
  if (node.type === "file") return node.files.length > 0;
  if (node.type === "checkbox" || node.type === "radio") return node.checked !== node.defaultChecked;
  return node.type !== "hidden" && node.value !== node.defaultValue;
}

/// Takes note of focus and selected text; answers how to bring them back.
function remember() {
  const active = document.activeElement;
  const selection = document.getSelection();
  const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = selection;
  return () => {
    if (active?.isConnected && active !== document.activeElement) active.focus({ preventScroll: true });
    const fits = (node, offset) => node?.isConnected && offset <= (node.length ?? node.childNodes.length);
    if (isCollapsed || !fits(anchorNode, anchorOffset) || !fits(focusNode, focusOffset)) return;
    const same = selection.anchorNode === anchorNode && selection.anchorOffset === anchorOffset &&
      selection.focusNode === focusNode && selection.focusOffset === focusOffset;
    if (!same) selection.setBaseAndExtent(anchorNode, anchorOffset, focusNode, focusOffset);
  };
}

function offer(next) {
  let button = document.getElementById("news");
  if (!button) {
    button = document.createElement("button");
    button.id = "news";
    button.type = "button";
    button.textContent = "Show changes";
    document.getElementById("live").append(button);
  }
  button.onclick = () => show(next);
}

export function say(text) {
  const place = document.getElementById("said");
  if (place && place.textContent !== text) place.textContent = text;
}
