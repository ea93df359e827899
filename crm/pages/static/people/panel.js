// What the page shows of the open call: texts, chips, which buttons are of use now. It decides nothing.

import { Ending } from "./ending.js";
import { shownLevel } from "./level.js";
import { LEG_NEWS } from "./transfer.js";

const NEWS_MAX = 30;
const WORDS = { agent: "the agent talks", person: "a colleague talks", held: "on hold" };
// The call's own events, as people read them; what is not named here is in the transcript below.
const NEWS = {
  "person.joined": (event) => `${event.name} is in the call`,
  "person.left": (event) => `${event.name} ${event.reason === "lost" ? "was lost" : "has left"}`,
  "person.role_changed": (event) => `${event.name} is a ${event.role} now`,
  "word.passed": (event) => (event.to === "person" ? `${event.name} has taken the call over` : "The agent has the call again"),
  "call.held": (event) => (event.held ? "The prospect is on hold" : "The prospect is off hold"),
  "agent.instructed": (event) => `${event.name} to the agent: ${event.text}`,
  "turn.barged_in": () => "The prospect interrupts",
  "caller.angry": () => "The prospect is angry",
  "fact.noted": (event) => event.kind.replaceAll("_", " "),
  ...LEG_NEWS,
  "call.finished": (event) => `The call is over: ${event.outcome.replaceAll("_", " ")}`,
};

// Why a call that nobody answered is over; how others ended stands in what happened.
const ENDS = {
  line_busy: "The line was busy.",
  no_answer: "Nobody answered.",
  refused: "The carrier refused the call.",
  out_of_credit: "The credits were used up.",
  service_failure: "It failed on our side: call again.",
};

export class Panel {
  #call = null;
  #end = "";
  #look = () => null;
  #ending = new Ending(document.getElementById("ending"));

  element(name) {
    return document.getElementById(name);
  }

  /** `look` returns the open call's row of the list. */
  onCall(look) {
    this.#look = look;
    setInterval(() => {
      const call = this.#look();
      if (call) this.#shape(call);
    }, 500);
  }

  open(call) {
    this.#call = call;
    this.#end = "";
    this.element("panel").hidden = false;
    this.element("who").textContent = call.lead_name;
    this.element("news").replaceChildren();
    this.#ending.clear();
    for (const name of ["connection", "sound", "word"]) this.element(name).textContent = "";
    for (const name of ["mood", "unstable"]) this.element(name).hidden = true;
    for (const pressed of document.querySelectorAll("#panel [aria-pressed]")) pressed.setAttribute("aria-pressed", "false");
    this.fault("");
    this.element("record").dataset.poll = `/fragments/calls/${call.call_id}`;
    if (call.state) this.#shape(call);
  }

  close() {
    this.element("panel").hidden = true;
    this.element("record").dataset.poll = "";
    this.element("record").replaceChildren();
  }

  fault(sentence) {
    this.element("fault").hidden = sentence === "";
    this.element("fault").textContent = sentence;
  }

  connection(name, sentence) {
    const texts = { connecting: "Coming to the call.", in: "", lost: sentence, over: `${sentence} ${this.#end}`.trim() };
    if (name === "over") this.#ending.clear();
    this.element("connection").textContent = texts[name];
    this.element("panel").dataset.connection = name;
  }

  sound(name, sentence) {
    this.element("sound").textContent = sentence;
    this.element("panel").dataset.sound = name;
  }

  /** A command's answer: the call's state, and who has the word. */
  answered({ state, word }) {
    this.#state(state);
    if (word) this.#word(word);
  }

  news(message) {
    if (message.say === "connected") this.answered(message);
    else if (message.say === "ending") this.#ending.told(message);
    else if (message.say === "live") this.#happened(message);
  }

  #happened(event) {
    switch (event.kind) {
      case "levels":
        this.element("level-prospect").value = shownLevel(event.prospect);
        this.element("level-ours").value = shownLevel(event.ours);
        return;
      case "call.state_changed":
        this.#state(event.state);
        break;
      case "word.passed":
        this.#word(event.to);
        break;
      case "call.held":
        if (event.held) this.#word("held");
        this.element("hold").setAttribute("aria-pressed", String(event.held));
        break;
      case "call.finished":
        this.#end = ENDS[event.outcome] ?? "";
        break;
      case "leg.quality":
        if (event.leg === "prospect") this.element("unstable").hidden = event.stable;
        break;
      case "caller.understood":
        this.#mood(event.mood);
        break;
      default:
        break;
    }
    const text = NEWS[event.kind]?.(event);
    if (!text) return;
    const line = document.createElement("li");
    line.textContent = text;
    this.element("news").prepend(line);
    if (this.element("news").children.length > NEWS_MAX) this.element("news").lastChild.remove();
  }

  /** Show which buttons are on. */
  show(session) {
    const on = {
      listen: session?.listening !== null,
      join: session?.talking ?? false,
      "whisper-voice": session?.role === "whisperer",
      barge: session?.role === "barger",
      beside: session?.role === "rep",
      mute: session?.muted ?? false,
    };
    for (const [name, pressed] of Object.entries(on)) {
      const button = this.element(name);
      if (button && button.getAttribute("aria-busy") !== "true") button.setAttribute("aria-pressed", String(pressed));
    }
  }

  #shape(call) {
    if (call.lead_name) this.element("who").textContent = `${call.lead_name}${call.company ? `, ${call.company}` : ""}`;
    this.#state(call.state);
    this.element("unstable").hidden = !call.unstable;
    if (call.mood) this.#mood(call.mood);
  }

  #state(state) {
    this.element("state").textContent = state.replaceAll("_", " ");
    this.element("state").className = `chip ${state}`;
  }

  #word(word) {
    this.element("word").textContent = WORDS[word] ?? "";
    this.element("word").dataset.word = word;
    this.element("hold").setAttribute("aria-pressed", String(word === "held"));
  }

  #mood(mood) {
    this.element("mood").hidden = false;
    this.element("mood").textContent = mood;
    this.element("mood").className = `chip mood ${mood}`;
  }
}
