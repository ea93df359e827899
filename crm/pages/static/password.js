// Tells what is wrong with a new password while it is typed. The server judges it again when it is sent.
"use strict";

const WAIT_MS = 250;

for (const field of document.querySelectorAll("[data-judge]")) {
  const form = field.form;
  const meter = form.querySelector("[data-strength]");
  const list = form.querySelector("[data-unmet]");
  let waiting = 0;

  async function judge() {
    const name = form.elements.full_name;
    const about = [field.dataset.about, name ? name.value : ""].filter(Boolean);
    const asked = field.value;
    const answer = await fetch("/api/passwords/judge", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: asked, about }),
    });
    if (!answer.ok || asked !== field.value) return;
    const { data } = await answer.json();
    meter.hidden = asked === "";
    meter.value = data.strength;
    list.replaceChildren(
      ...(asked === "" ? [] : data.unmet).map((rule) => {
        const line = document.createElement("li");
        line.textContent = rule.text;
        return line;
      }),
    );
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => judge().catch(() => {}), WAIT_MS); // the server is away: it judges when it is sent
  });
}
