// Buttons that copy a text. They are hidden until a script can do it.

export function offerCopies() {
  if (!navigator.clipboard) return;
  const reveal = () => document.querySelectorAll("button[data-copy][hidden]").forEach((button) => (button.hidden = false));
  reveal();
  new MutationObserver(reveal).observe(document.getElementById("main"), { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy id"), 2000);
  });
}
