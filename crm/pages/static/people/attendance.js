// One person's being in one call: gets the ticket, comes, and comes back when the connection breaks or the page is
// loaded again. What is done there is not its concern.

import { CallSocket, Refused } from "./call_socket.js";
import { NotServed, post } from "./crm.js";
import { GIVE_UP_MS, waitMs } from "./retry.js";

const PLACE = "salesos.call"; // in sessionStorage: of this tab, and gone with it
// Ends that no new connection mends: somebody meant them.
const FINAL = new Set(["call_over", "replaced", "left", "signed_out", "not_allowed", "too_fast", "bad_message"]);
const STALE = new Set(["ticket_refused", "ticket_used"]); // what another ticket mends
const BEGUN_MS = 10000; // a node answers for a call within milliseconds, or soon never will
const NO_WAY = new Set(["call_over", "call_not_found", "forbidden", "full", "call_not_here"]);

/** Return the call that this tab was in when it was loaded again, or null. */
export function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE));
  } catch {
    return null;
  }
}

export class Attendance {
  callId;
  seat;
  welcome = null;
  #socket = null;
  #ended = false;
  #on;
  #note;

  /**
   * `on`: state(name, sentence) for "connecting", "in", "lost" and "over"; told(message) for news; elsewhere(address)
   * when the call's node is one that this page may not connect to.
   */
  constructor(callId, seat, mayConnectTo, on) {
    this.callId = callId;
    this.seat = seat;
    this.#on = on;
    this.#note = { callId, seat, mayConnectTo };
  }

  /**
   * Come to the call; `rejoin` and `address` are of who was in it a moment ago, `ticket` and `address` of who was given
   * one already. Throws when there is no way in.
   */
  async come({ rejoin = "", address = "", ticket = "" } = {}) {
    this.#on.state("connecting", "");
    await this.#enter(rejoin, address, ticket);
  }

  ask(name, fields) {
    if (this.#socket === null) return Promise.reject(new Refused("unreachable", "There is no connection to the call now."));
    return this.#socket.ask(name, fields);
  }

  get inCall() {
    return this.#socket !== null;
  }

  /** Connect again: the network is another one now. */
  drop() {
    this.#socket?.drop();
  }

  /** Remember for a page that is loaded again what one did here. */
  keep(fields) {
    const kept = { ...(remembered() ?? {}), ...fields };
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
  }

  async leave() {
    this.#ended = true;
    sessionStorage.removeItem(PLACE);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    await socket.ask("leave").catch(() => null); // whoever is gone already has left as well
    socket.drop();
  }

  async #enter(rejoin, address, ticket = "") {
    if (rejoin && address) {
      try {
        return await this.#by(address, { do: "return", rejoin });
      } catch (error) {
        if (!(error instanceof Refused) || error.code === "unreachable") throw error;
        // The call does not wait any more: come as anybody does.
      }
    }
    try {
      return await this.#by(...(ticket ? [address, { do: "come", ticket }] : await this.#byTicket()));
    } catch (error) {
      if (!STALE.has(error.code)) throw error;
      // A page that slept between the two, or a ticket that was shown already: the next one is fresh.
      return this.#by(...(await this.#byTicket()));
    }
  }

  async #byTicket() {
    const given = await this.#ticket();
    if (!this.#note.mayConnectTo.includes(new URL(given.address).origin)) {
      this.#on.elsewhere(given.address);
      throw new Refused("elsewhere", "The call is at a server that started after this page was loaded: loading it again.");
    }
    return [given.address, { do: "come", ticket: given.ticket }];
  }

  /** A call that was placed a moment ago is nobody's yet: ask again until a node has it. */
  async #ticket() {
    const until = performance.now() + BEGUN_MS;
    for (let number = 0; ; number += 1) {
      try {
        return await post(`/people/calls/${this.callId}/ticket`, { seat: this.seat });
      } catch (error) {
        if (error.code !== "call_not_begun" || this.#ended || performance.now() > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs(number, Math.random())));
    }
  }

  async #by(address, first) {
    const socket = new CallSocket(address, (message) => this.#on.told(message), (over) => this.#closed(socket, over));
    try {
      this.welcome = await socket.enter(first);
    } catch (error) {
      socket.drop();
      throw error;
    }
    this.#socket = socket;
    this.keep({ callId: this.callId, seat: this.seat, address, rejoin: this.welcome.rejoin });
    this.#on.state("in", "");
  }

  #closed(socket, over) {
    if (socket !== this.#socket) return; // it never stood, or another one has taken its place
    this.#socket = null;
    if (this.#ended) return;
    if (over !== null && FINAL.has(over.code)) this.#over(over.sentence);
    else {
      this.#on.state("lost", over?.sentence || "The connection to the call broke: connecting again.");
      this.#return();
    }
  }

  #over(sentence) {
    this.#ended = true;
    sessionStorage.removeItem(PLACE);
    this.#on.state("over", sentence);
  }

  async #return() {
    const { rejoin, address } = remembered() ?? {};
    const until = performance.now() + GIVE_UP_MS;
    for (let number = 0; !this.#ended; number += 1) {
      await new Promise((resolve) => setTimeout(resolve, waitMs(number, Math.random())));
      if (this.#ended) return;
      try {
        return await this.#enter(rejoin, address);
      } catch (error) {
        const known = error instanceof Refused || error instanceof NotServed;
        if (!known) throw error;
        if (NO_WAY.has(error.code) || error.code === "elsewhere") return this.#over(error.message);
        if (performance.now() > until) return this.#over("The call could not be reached again.");
      }
    }
  }
}
