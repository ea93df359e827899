// One key for each button, as the buttons say, wherever no text is being written; figures are the keypad's.

/** `active`: whether there is anything to press a key for. */
export function listenForKeys(active) {
  const keys = new Map();
  for (const button of document.querySelectorAll("button[aria-keyshortcuts]")) {
    keys.set(button.getAttribute("aria-keyshortcuts").toLowerCase(), button);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !active()) return;
    if (event.target.matches("input:not([type=range]):not([type=checkbox]), textarea, select")) return;
    const button = keys.get(event.key.toLowerCase());
    if (button !== undefined) {
      event.preventDefault();
      if (!button.disabled) button.click();
    } else if (/^[0-9*#]$/.test(event.key)) {
      document.querySelector(`[data-key="${event.key}"]`).click();
    }
  });
}
