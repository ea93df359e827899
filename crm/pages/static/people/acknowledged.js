// Buttons answer at once and confirm when the server has: a spinner meanwhile, and on refusal back with the reason.

/** Have `act` done by a button; `say` gets the reason when it is refused, "" when it is done. Returns whether it was. */
export async function acknowledged(button, act, say) {
  if (button.getAttribute("aria-busy") === "true") return false;
  const toggles = button.hasAttribute("aria-pressed");
  const before = button.getAttribute("aria-pressed");
  if (toggles) button.setAttribute("aria-pressed", String(before !== "true"));
  button.setAttribute("aria-busy", "true");
  try {
    await act(before !== "true");
    say("");
    return true;
  } catch (error) {
    if (toggles) button.setAttribute("aria-pressed", before);
    say(error.message);
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}
