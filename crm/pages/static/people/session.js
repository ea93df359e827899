// What one person does in one call, by ear and by voice, whatever the page shows of it.

import { Attendance } from "./attendance.js";
import { Refused } from "./call_socket.js";
import { Listening } from "./listening.js";
import { Microphone, NoMicrophone } from "./microphone.js";
import { Voice } from "./voice.js";

const SICK = new Set(["not_heard", "hears_nothing"]); // of a connection that stands; other troubles are of one that never did
const HEARD_MS = 12000; // the first connection of a slow network

export class Session {
  role = "listener";
  muted = false;
  listening = null;
  #on;
  #voice = null;
  #arriving = null;
  #after = 0; // the newest of the call's events that has come
  #moved = false; // to another network

  /**
   * `on`: connection(name, sentence), sound(name, sentence), news(message), changed() when something that the page
   * shows is another one, elsewhere(). `element`: for what is heard by voice.
   */
  constructor(callId, seat, nodes, element, on) {
    this.#on = on;
    this.microphone = new Microphone((sentence) => this.#pulledOut(sentence));
    this.attendance = new Attendance(callId, seat, nodes, {
      state: (name, sentence) => this.#attends(name, sentence),
      told: (message) => this.#told(message),
      elsewhere: () => on.elsewhere(),
    });
    this.element = element;
  }

  async come(before = {}) {
    await this.attendance.come(before);
  }

  /** The network is another one now: neither the socket nor the voice may go by the one before. */
  move() {
    this.#moved = true;
    this.attendance.drop();
  }

  get talking() {
    return this.#voice !== null;
  }

  get voice() {
    return this.#voice;
  }

  ask(name, fields) {
    return this.attendance.ask(name, fields);
  }

  /** Hear the call by the socket, or no longer. */
  async listen(on) {
    if (on && this.listening === null) {
      const listening = new Listening();
      this.listening = listening;
      try {
        // At the same time: what counts is how soon something is heard.
        await Promise.all([listening.start(), this.ask("listen", { on: true })]);
        if (this.talking) listening.loudness(0);
      } catch (error) {
        await this.#deafen();
        throw error;
      }
    } else if (!on) {
      await this.#deafen();
      await this.ask("listen", { on: false });
    }
    this.attendance.keep({ listening: on });
    this.#on.changed();
  }

  async #deafen() {
    const listening = this.listening;
    this.listening = null;
    await listening?.stop();
  }

  /** Be in the call by sound: open a microphone and connect it. Resolves when the node has us. */
  async connect(deviceId, echoCancelled) {
    if (this.#arriving !== null) return this.#arriving.promise;
    if (this.#voice !== null) return undefined;
    const track = await this.microphone.open(deviceId, echoCancelled);
    this.#voice = new Voice(this.attendance, this.element, {
      state: (name, sentence) => this.#on.sound(name, sentence),
    });
    this.#arriving = deferred(HEARD_MS);
    const arriving = this.#arriving;
    try {
      await this.#voice.start(track);
      await arriving.promise;
    } catch (error) {
      this.disconnect();
      throw error;
    } finally {
      this.#arriving = null;
    }
    this.attendance.keep({ talking: true });
    // The call is heard by voice now: twice would be an echo.
    this.listening?.loudness(0);
    this.#on.changed();
    return undefined;
  }

  disconnect() {
    this.#voice?.stop();
    this.#voice = null;
    this.microphone.close();
    this.role = "listener";
    this.listening?.loudness(1);
    this.attendance.keep({ talking: false });
    this.#on.changed();
  }

  /** Talk by another microphone, at once. */
  async useMicrophone(deviceId, echoCancelled) {
    const track = await this.microphone.open(deviceId, echoCancelled);
    track.enabled = !this.muted;
    await this.#voice?.use(track);
    this.#on.sound("heard", "");
  }

  /** Who talks goes on by whatever microphone there still is. */
  async #pulledOut(sentence) {
    if (!this.talking) return;
    try {
      await this.useMicrophone("", this.microphone.echoCancelled);
      this.#on.sound("replaced", "Your microphone was pulled out, or taken away: you talk by another one now. Choose below if it is the wrong one.");
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      this.#on.sound("broken", sentence);
    }
  }

  async mute(on) {
    await this.ask("mute", { on });
    this.muted = on;
    if (this.microphone.track) this.microphone.track.enabled = !on;
    this.#on.changed();
  }

  async changeRole(role) {
    const answer = await this.ask("role", { role });
    this.role = role;
    this.#on.changed();
    return answer;
  }

  async leave() {
    this.#voice?.stop();
    this.#voice = null;
    this.microphone.close();
    await this.#deafen();
    await this.attendance.leave();
  }

  async #attends(name, sentence) {
    this.#on.connection(name, sentence);
    if (name === "over") {
      this.#voice?.stop();
      this.#voice = null;
      this.microphone.close();
      await this.#deafen();
    } else if (name === "in") {
      await this.#catchUp();
    }
    this.#on.changed();
  }

  /** Have again what one had before the socket broke: the news, the sound and the voice. */
  async #catchUp() {
    try {
      // The sound has a way of its own, which mostly outlives a broken socket.
      const stands = !this.#moved && this.attendance.welcome.connected && this.#voice?.stands;
      if (this.#voice !== null && this.#arriving === null && !stands) this.#voice.again();
      this.#moved = false;
      await this.ask("follow", { after: this.#after });
      if (this.listening !== null) await this.ask("listen", { on: true });
      if (this.muted) await this.ask("mute", { on: true });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // The next connection tries again; what is refused for good is refused to the person who asks for it.
    }
  }

  #told(message) {
    switch (message.say) {
      case "sound":
        this.listening?.hear(message);
        return;
      case "connected":
        this.#voice?.arrived();
        this.#arriving?.resolve();
        break;
      case "trouble":
        this.#troubled(message);
        return;
      case "live":
        if (message.seq > this.#after) this.#after = message.seq;
        break;
      default:
        break;
    }
    this.#on.news(message);
  }

  #troubled({ code, on, sentence }) {
    if (on && code === "disconnected") this.#voice?.again();
    else if (on && !SICK.has(code)) this.#arriving?.reject(new Refused(code, sentence));
    this.#on.sound(on ? code : "heard", on ? sentence : "");
  }
}

function deferred(timeoutMs) {
  const one = {};
  one.promise = new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Refused("no_connection", "Your browser and the call's server do not reach each other by sound.")),
      timeoutMs,
    );
    one.resolve = () => {
      clearTimeout(late);
      resolve();
    };
    one.reject = (error) => {
      clearTimeout(late);
      reject(error);
    };
  });
  one.promise.catch(() => null); // who waits for it is told; nobody may wait yet
  return one;
}
