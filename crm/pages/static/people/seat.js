// Taking callers: the one socket by which this page attends, the switch, and what rings. Wire form:
// docs/guides/people-on-calls.md. The socket is opened again by itself; the switch is remembered over loading again.

import { acknowledged } from "./acknowledged.js";
import { CallSocket, Refused } from "./call_socket.js";
import { NotServed, post } from "./crm.js";
import { waitMs } from "./retry.js";
import { Ringer } from "./ringer.js";

const READY = "salesos.ready"; // in localStorage: of this person at this device
const FINAL = new Set(["replaced", "signed_out", "not_allowed", "too_fast", "bad_message"]);

export class Seat {
  #socket = null;
  #offers = new Map(); // by their name, the oldest first
  #ringer = new Ringer();
  #nodes;
  #take;

  /** `nodes`: where this page may connect to; `take(call, given)` goes to a call by the ticket in `given`. */
  constructor(nodes, take) {
    this.#nodes = nodes;
    this.#take = take;
    this.button = element("ready");
    this.button.addEventListener("click", () => acknowledged(this.button, (on) => this.#switch(on), (sentence) => this.#fault(sentence)));
    element("answer").addEventListener("click", () => acknowledged(element("answer"), () => this.#accept(), (sentence) => this.#fault(sentence)));
    element("decline").addEventListener("click", () => acknowledged(element("decline"), () => this.#decline(), (sentence) => this.#fault(sentence)));
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("online", () => this.#socket?.drop());
  }

  get ready() {
    return localStorage.getItem(READY) === "on";
  }

  /** Attend for as long as the page lives. */
  async run() {
    for (let number = 0; ; number += 1) {
      let over = null;
      try {
        over = await this.#attend(() => (number = 0));
      } catch (error) {
        if (!(error instanceof Refused) && !(error instanceof NotServed)) throw error;
        if (error.code === "forbidden") return this.#status("You take no calls: your role does not let you.");
        this.#status(`No calls come to you now: ${error.message}`);
      }
      this.#gone();
      if (over !== null && FINAL.has(over.code)) return this.#status(over.sentence);
      await new Promise((resolve) => setTimeout(resolve, waitMs(number, Math.random())));
    }
  }

  /** Resolves when the socket is gone, to its last message or null. */
  async #attend(stood) {
    const given = await post("/people/availability/ticket");
    if (!this.#nodes.includes(new URL(given.address).origin)) {
      throw new Refused("elsewhere", "load this page again, a server has started since.");
    }
    const gone = {};
    gone.promise = new Promise((resolve) => (gone.resolve = resolve));
    const socket = new CallSocket(given.address, (message) => this.#told(message), gone.resolve);
    try {
      await socket.enter({ do: "attend", ticket: given.ticket, ready: this.ready });
    } catch (error) {
      socket.drop();
      throw error;
    }
    this.#socket = socket;
    stood();
    this.#show();
    return gone.promise;
  }

  #gone() {
    this.#socket = null;
    this.#offers.clear();
    this.#show();
  }

  async #switch(on) {
    if (on) this.#ringer.allow();
    if (this.#socket === null) throw new Refused("unreachable", "There is no connection to the server now: it is tried again by itself.");
    await this.#socket.ask("ready", { on });
    localStorage.setItem(READY, on ? "on" : "off");
    this.#show();
  }

  #told(message) {
    if (message.say === "offer") this.#offers.set(message.offer, message);
    else if (message.say === "offer_over") {
      this.#offers.delete(message.offer);
      if (message.reason === "taken") this.#fault(`${message.by} was first.`);
      if (message.reason === "caller_gone") this.#fault("The caller has hung up.");
    } else if (message.say === "ready" && !message.on) {
      localStorage.setItem(READY, "off");
      this.#fault("You did not answer, so no further calls come to you: press Ready when you are back.");
    }
    this.#show();
  }

  async #accept() {
    const [offer] = this.#offers.values();
    if (offer === undefined) return;
    try {
      const { data } = await this.#socket.ask("accept", { offer: offer.offer });
      this.#over(offer);
      await this.#take({ call_id: data.call, lead_name: offer.name, company: offer.company, state: "" }, data);
    } catch (error) {
      if (error.code === "too_late") this.#over(offer);
      throw error;
    }
  }

  async #decline() {
    const [offer] = this.#offers.values();
    if (offer === undefined) return;
    this.#over(offer);
    await this.#socket.ask("decline", { offer: offer.offer });
  }

  #over(offer) {
    this.#offers.delete(offer.offer);
    this.#show();
  }

  #show() {
    const [offer] = this.#offers.values();
    const panel = element("offer");
    panel.hidden = offer === undefined;
    this.button.setAttribute("aria-pressed", String(this.ready));
    if (offer !== undefined) {
      element("offer-name").textContent = offer.name || "Somebody";
      const about = [offer.company, offer.queue && `for ${offer.queue}`, offer.waited_s ? `waits for ${offer.waited_s} s` : ""];
      element("offer-about").textContent = about.filter(Boolean).join(", ");
      this.#fault("");
      this.#ringer.ring(offer.offer, `${offer.name || "Somebody"} calls`);
    } else this.#ringer.stop();
    if (this.#socket !== null) this.#status(this.ready ? "Callers are offered to you." : "Callers are not offered to you.");
  }

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("input:not([type=range]):not([type=checkbox]), textarea, select")) return;
    const name = { a: "answer", d: "decline", r: "ready" }[event.key.toLowerCase()];
    if (name === undefined || (name !== "ready" && element("offer").hidden)) return;
    event.preventDefault();
    element(name).click();
  }

  #status(sentence) {
    element("seat-status").textContent = sentence;
  }

  #fault(sentence) {
    element("seat-fault").hidden = sentence === "";
    element("seat-fault").textContent = sentence;
  }
}

function element(id) {
  return document.getElementById(id);
}
