// The table of live calls: asks the CRM once a second, changes only what changed, and is walked with the arrow keys.

import { NotServed, get } from "./crm.js";

const PERIOD_MS = 1000;

export class CallsList {
  #body;
  #status;
  #open;
  #rows = new Map();
  calls = [];

  /** `open(call)` is what a click, or Enter, on a row does; `verb` is its name there. */
  constructor(body, status, verb, open) {
    this.#body = body;
    this.#status = status;
    this.#open = open;
    this.verb = verb;
    body.addEventListener("keydown", (event) => this.#walk(event));
  }

  async run() {
    for (;;) {
      if (!document.hidden) await this.#refresh();
      await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
    }
  }

  find(callId) {
    return this.calls.find((call) => call.call_id === callId) ?? null;
  }

  mark(callId) {
    for (const [id, row] of this.#rows) row.element.classList.toggle("chosen", id === callId);
  }

  async #refresh() {
    try {
      this.calls = await get("/people/calls");
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      this.#status.textContent = error.message;
      return;
    }
    this.#status.textContent = this.calls.length ? "" : "No call is live now.";
    const live = new Set(this.calls.map((call) => call.call_id));
    for (const [id, row] of this.#rows) {
      if (live.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const call of this.calls) this.#show(call);
  }

  #show(call) {
    let row = this.#rows.get(call.call_id);
    if (row === undefined) {
      row = this.#made(call);
      this.#rows.set(call.call_id, row);
      this.#body.append(row.element);
    }
    const texts = {
      name: call.lead_name,
      company: call.company,
      number: call.number,
      agent: call.agent,
      state: call.state.replaceAll("_", " "),
      since: lasted(call),
      mood: call.angry ? "angry" : (call.mood ?? ""),
      connection: call.unstable ? "unstable connection" : "",
    };
    for (const [name, text] of Object.entries(texts)) if (row[name].textContent !== text) row[name].textContent = text;
    row.state.className = `chip ${call.state}`;
    row.mood.className = call.angry ? "chip negative" : `mood ${call.mood ?? ""}`;
    row.connection.className = call.unstable ? "chip negative" : "";
  }

  #made(call) {
    const element = document.createElement("tr");
    const row = { element };
    for (const name of ["name", "company", "number", "agent", "state", "since", "mood", "connection"]) {
      const cell = element.insertCell();
      row[name] = cell.appendChild(document.createElement("span"));
      if (name === "number" || name === "since") cell.className = "mono";
    }
    const button = document.createElement("button");
    button.textContent = this.verb;
    button.setAttribute("aria-label", `${this.verb}: ${call.lead_name}`);
    element.insertCell().append(button);
    element.dataset.call = call.call_id;
    element.addEventListener("click", () => this.#open(this.find(call.call_id) ?? call));
    return row;
  }

  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const buttons = [...this.#body.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}

/** Return for how long a call lasts: 1:02 since it was answered. */
function lasted(call) {
  if (call.answered_at === null) return "";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(call.answered_at)) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
