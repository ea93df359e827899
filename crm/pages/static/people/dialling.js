// Calling a lead oneself: looking for them, and one button each. Enter in the line goes to the first one found.

import { acknowledged } from "./acknowledged.js";
import { NotServed, get } from "./crm.js";

const TYPING_MS = 200; // a pause in which somebody who types goes on

export class Dialling {
  #query = document.getElementById("dial-query");
  #leads = document.getElementById("dial-leads");
  #status = document.getElementById("dial-status");
  #fault = document.getElementById("dial-fault");
  #typing = null;
  #asked = 0; // what was asked last counts, whatever comes last

  /** `dial(lead)` places the call; what it throws is the reason why it did not. */
  constructor(dial) {
    this.dial = dial;
    this.#query.addEventListener("input", () => {
      this.#say("");
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.find(), TYPING_MS);
    });
    document.getElementById("dial-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      clearTimeout(this.#typing);
      await this.find();
      this.#leads.querySelector("button")?.focus();
    });
    this.#leads.addEventListener("keydown", (event) => this.#walk(event));
    this.#query.addEventListener("keydown", (event) => this.#walk(event));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
      event.preventDefault();
      this.#query.focus();
    });
  }

  /** Show whom the line may mean; with nothing in it, the newest. */
  async find() {
    await this.#show(() => get(`/people/leads?q=${encodeURIComponent(this.#query.value)}`));
  }

  /** Show one lead, ready to be called by Enter. */
  async name(leadId) {
    await this.#show(async () => [await get(`/people/leads/${encodeURIComponent(leadId)}`)]);
    this.#leads.querySelector("button")?.focus();
  }

  async #show(ask) {
    const number = (this.#asked += 1);
    let found = [];
    try {
      found = await ask();
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      this.#say(error.message);
      return;
    }
    if (number !== this.#asked) return;
    // Who stands there already stays: one of them may have the focus, or be called just now.
    const shown = [...this.#leads.children].map((button) => button.dataset.lead);
    if (found.map((lead) => lead.id).join() !== shown.join()) this.#leads.replaceChildren(...found.map((lead) => this.#button(lead)));
    this.#status.textContent = found.length ? "" : "No lead is found by that.";
  }

  #button(lead) {
    const button = document.createElement("button");
    const where = lead.company ? `, ${lead.company}` : "";
    const why = lead.do_not_call ? "do not call" : (lead.phone ?? "no number");
    button.type = "button";
    button.disabled = lead.do_not_call || !lead.phone;
    button.dataset.lead = lead.id;
    button.textContent = `${button.disabled ? "" : "Call "}${lead.name}${where} `;
    button.appendChild(document.createElement("span")).textContent = why;
    button.addEventListener("click", async () => {
      this.#status.textContent = `Calling ${lead.name}.`;
      await acknowledged(button, () => this.dial(lead), (sentence) => this.#say(sentence));
      this.#status.textContent = "";
    });
    return button;
  }

  #say(sentence) {
    this.#fault.hidden = sentence === "";
    this.#fault.textContent = sentence;
  }

  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const stops = [this.#query, ...this.#leads.querySelectorAll("button:not(:disabled)")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}
