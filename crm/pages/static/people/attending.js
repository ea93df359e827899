// Who of the organisation takes calls now, as the CRM tells it: asked every few seconds while the page is seen.

import { NotServed, get } from "./crm.js";

const PERIOD_MS = 3000;
const WORDS = { ready: "ready", ringing: "rings", busy: "in a call", not_ready: "not ready", away: "away" };

export class Attending {
  #people = document.getElementById("attending-people");
  #status = document.getElementById("attending-status");

  async run() {
    for (;;) {
      if (!document.hidden) await this.#refresh();
      await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
    }
  }

  async #refresh() {
    let people;
    try {
      people = await get("/people/availability");
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      this.#status.textContent = error.message;
      return;
    }
    this.#status.textContent = people.some((one) => one.availability === "ready") ? "" : "Nobody is ready to take a call.";
    this.#people.replaceChildren(...people.filter((one) => one.availability !== "away").map(row));
  }
}

function row(person) {
  const item = document.createElement("li");
  item.textContent = `${person.name} `;
  const chip = item.appendChild(document.createElement("span"));
  chip.className = `chip ${person.availability}`;
  chip.textContent = WORDS[person.availability] ?? person.availability;
  if (person.since) chip.title = `since ${new Date(person.since).toLocaleTimeString()}`;
  return item;
}
