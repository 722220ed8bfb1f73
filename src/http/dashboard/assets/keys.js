// Keys: `/` to the search, `j` and `k` through a list, `n` to the next gap, `?` for help. None works while
// one types, and all can be turned off: a reader's own software may need the same keys.

const OFF = "rtmx-keys-off";

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || isOff()) return;
    if (actions[event.key]?.()) event.preventDefault();
  });
  const opener = document.getElementById("keys-opener");
  const choice = document.getElementById("keys-on");
  if (!opener || !choice) return;
  opener.hidden = false;
  opener.addEventListener("click", help);
  choice.checked = !isOff();
  choice.addEventListener("change", () => localStorage.setItem(OFF, choice.checked ? "" : "yes"));
}

const actions = {
  "/": () => focus(document.getElementById("search")),
  j: () => step(1, "[data-row]"),
  k: () => step(-1, "[data-row]"),
  n: () => step(1, "[data-gap]"),
  "?": help,
};

function isOff() {
  return Boolean(localStorage.getItem(OFF));
}

function isTyping(target) {
  const control = target.closest?.("input, textarea, select, [contenteditable]");
  return control != null && !["checkbox", "radio", "button", "submit", "file"].includes(control.type);
}

function focus(element) {
  element?.focus();
  element?.select?.();
  return element != null;
}

/// Goes to the first link of the next row, or of the one before.
function step(by, selector) {
  const all = Array.from(document.querySelectorAll("#main [data-row]"));
  const here = all.indexOf(document.activeElement?.closest("[data-row]"));
  const ahead = by > 0 ? all.slice(here + 1) : all.slice(0, Math.max(here, 0)).reverse();
  return focus(ahead.find((row) => row.matches(selector))?.querySelector("a"));
}

function help() {
  document.getElementById("keys").showModal();
  return true;
}
