// Which microphone and speaker a person chose, kept for their next call by this browser.

import { devices } from "./microphone.js";

const KEPT = "salesos.sound";

export class SoundChoice {
  #microphones = document.getElementById("microphones");
  #speakers = document.getElementById("speakers");
  #echo = document.getElementById("echo");
  #kept;

  /** `onMicrophone(deviceId, echo)` and `onSpeaker(deviceId)` are told of changes. */
  constructor(onMicrophone, onSpeaker) {
    this.#kept = kept();
    this.#echo.checked = this.#kept.echo ?? true;
    const changed = () => {
      this.#keep();
      onMicrophone(this.microphone, this.echo);
    };
    this.#microphones.addEventListener("change", changed);
    this.#echo.addEventListener("change", changed);
    this.#speakers.addEventListener("change", () => {
      this.#keep();
      onSpeaker(this.#speakers.value);
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.refresh());
  }

  get microphone() {
    return this.#microphones.value;
  }

  get echo() {
    return this.#echo.checked;
  }

  /** Show what is plugged in now; names come once a microphone was allowed. */
  async refresh() {
    const { microphones, speakers } = await devices();
    fill(this.#microphones, microphones, this.#kept.microphone);
    fill(this.#speakers, speakers, this.#kept.speaker);
  }

  #keep() {
    this.#kept = { microphone: this.microphone, speaker: this.#speakers.value, echo: this.echo };
    localStorage.setItem(KEPT, JSON.stringify(this.#kept));
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function fill(select, found, chosen) {
  const before = select.value || chosen || "";
  select.length = 1; // the system's
  for (const device of found) select.add(new Option(device.label || "unnamed", device.deviceId));
  select.value = found.some((device) => device.deviceId === before) ? before : "";
}
