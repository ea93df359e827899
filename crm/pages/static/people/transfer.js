// Somebody else's telephone, as who has the word uses it: putting the prospect through, and asking a colleague first.

import { acknowledged } from "./acknowledged.js";

// How a leg ended, where that is not plain from the word.
const ENDS = {
  busy: "their line was busy",
  no_answer: "nobody picked up",
  hung_up: "they hung up",
  cancelled: "you hung up on them",
  failed: "the carrier could not reach them",
  not_wanted: "nobody talks with them any more",
  call_over: "the call is over",
  funds_end: "its credits were used up",
  carrier_silent: "the carrier did not say what became of it",
  no_sound: "no sound came from their telephone",
  stream_lost: "their sound was lost",
};
const ARRANGED = {
  consulting: "You talk with them; the prospect is on hold",
  aside: "You talk with the prospect; they are on hold",
  conference: "All three talk",
  passed_on: "The prospect talks with them",
};
// The events of further legs, as people read them.
export const LEG_NEWS = {
  "leg.placed": (event) => (event.purpose === "transfer" ? `${event.name} puts the prospect through to ${event.number}` : `${event.name} calls ${event.number}`),
  "leg.ringing": () => "Their telephone rings",
  "leg.answered": () => "They have picked up",
  "leg.ended": (event) => `The second telephone is off: ${ENDS[event.reason] ?? event.reason.replaceAll("_", " ")}`,
};

export class Transferring {
  #number = document.getElementById("transfer-number");
  #status = document.getElementById("transfer-status");
  #buttons = Object.fromEntries(["transfer", "consult", "swap", "conference", "complete", "cancel"].map((name) => [name, document.getElementById(name)]));
  #leg = null; // the second telephone: {id, number, answered}

  /** `ask(name, fields)` has the call do it and returns its answer; `done(answer)`, `refused(sentence)` show what came of it. */
  constructor(ask, done, refused) {
    const acts = (name, fields) => acknowledged(this.#buttons[name], async () => done(await ask(name, fields())), refused);
    for (const name of ["transfer", "consult"]) {
      this.#buttons[name].addEventListener("click", () => {
        if (!this.#number.reportValidity()) return;
        acts(name, () => ({ number: this.#number.value.trim() }));
      });
    }
    for (const name of ["swap", "conference", "complete", "cancel"]) this.#buttons[name].addEventListener("click", () => acts(name, () => ({})));
    document.getElementById("transfer-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#buttons.consult.click(); // what Enter does can still be taken back
    });
    this.open();
  }

  /** Another call: nobody is telephoned there, as far as is known. */
  open() {
    this.#leg = null;
    this.#say("");
    this.#show();
  }

  news(message) {
    if (message.say !== "live") return;
    switch (message.kind) {
      case "leg.placed":
        if (message.purpose === "consult") this.#leg = { id: message.leg, number: message.number, answered: false };
        this.#say(`Calling ${message.number}.`);
        break;
      case "leg.ringing":
        this.#say(`${this.#leg?.number ?? "It"} rings.`);
        break;
      case "leg.answered":
        if (this.#leg?.id === message.leg) this.#leg.answered = true;
        this.#say(`${this.#leg?.number ?? ""} has picked up.`);
        break;
      case "leg.arranged":
        if (this.#leg?.answered) this.#say(`${ARRANGED[message.arrangement]}.`);
        break;
      case "leg.ended":
        if (this.#leg === null || this.#leg.id === message.leg) this.#leg = null;
        this.#say(`${LEG_NEWS["leg.ended"](message)}.`);
        break;
      default:
        return;
    }
    this.#show();
  }

  /** Offer what is of use now. */
  #show() {
    const { transfer, consult, swap, conference, complete, cancel } = this.#buttons;
    for (const button of [transfer, consult]) button.disabled = this.#leg !== null;
    for (const button of [swap, cancel]) button.disabled = this.#leg === null;
    for (const button of [conference, complete]) button.disabled = !this.#leg?.answered;
  }

  #say(text) {
    this.#status.textContent = text;
  }
}
