// The one socket of a page to the voice node of a call: commands with their answers, and news. Wire form:
// docs/guides/people-on-calls.md. It does not connect again: attendance.js does.

import { decode, encode } from "./messagepack.js";

const ANSWER_MS = 8000; // the node itself waits 5 s for the call
const OPEN_MS = 8000;

/** What the node said no to; the message is a sentence for people. */
export class Refused extends Error {
  constructor(code, sentence) {
    super(sentence || code);
    this.code = code;
  }
}

export class CallSocket {
  #socket;
  #number = 0;
  #waiting = new Map(); // number of a command to who waits for its answer
  #pinging = null;
  #over = null;
  #onTold;
  #onClosed;

  /** `onTold` gets every message that answers nothing; `onClosed` the last one, or null when the connection broke. */
  constructor(address, onTold, onClosed) {
    this.#onTold = onTold;
    this.#onClosed = onClosed;
    this.#socket = new WebSocket(address);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", (event) => this.#told(event.data));
    this.#socket.addEventListener("close", () => this.#closed());
  }

  /** Say who comes: {do: "come", ticket} or {do: "return", rejoin}. Resolves to the welcome. */
  async enter(first) {
    await this.#opened();
    const welcome = await this.#send(first);
    this.#pinging = setInterval(() => this.ask("ping").catch(() => this.drop()), welcome.ping_every_s * 1000);
    return welcome;
  }

  /** Have something done. Resolves to the answer ({state, word, data}); rejects with Refused. */
  ask(name, fields = {}) {
    return this.#send({ ...fields, do: name });
  }

  /** Close as if the connection had broken. */
  drop() {
    this.#socket.close();
  }

  #opened() {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.drop();
        reject(new Refused("unreachable", "The call's server does not answer."));
      }, OPEN_MS);
      const done = (settle) => () => {
        clearTimeout(late);
        settle();
      };
      this.#socket.addEventListener("open", done(resolve));
      this.#socket.addEventListener("close", done(() => reject(new Refused("unreachable", "The call's server cannot be reached."))));
    });
  }

  #send(message) {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Refused("unreachable", "There is no connection to the call now."));
    }
    const id = (this.#number += 1);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Refused("no_answer", "The call did not answer in time: try again."));
      }, ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, late });
      this.#socket.send(encode({ ...message, id }));
    });
  }

  #told(data) {
    const message = decode(new Uint8Array(data));
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (waiting === undefined) {
      if (message.say === "over") this.#over = message;
      else this.#onTold(message);
      return;
    }
    this.#waiting.delete(message.id);
    clearTimeout(waiting.late);
    if (message.say === "refused") waiting.reject(new Refused(message.code, message.sentence));
    else waiting.resolve(message);
  }

  #closed() {
    clearInterval(this.#pinging);
    for (const { reject, late } of this.#waiting.values()) {
      clearTimeout(late);
      reject(new Refused("unreachable", "The connection to the call broke."));
    }
    this.#waiting.clear();
    this.#onClosed(this.#over);
  }
}
