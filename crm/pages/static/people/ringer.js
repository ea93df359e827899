// What is heard and shown when a caller is offered: two tones, and a notification where the browser lets the page.

const TONES_HZ = [440, 480];
const ON_S = 1.2;
const PERIOD_MS = 3000;
const LOUDNESS = 0.08;

export class Ringer {
  #context = null;
  #timer = null;
  #note = null;
  #ringing = ""; // the offer that rings

  /** Ask for what only a person's own click may ask for. */
  allow() {
    this.#context ??= new AudioContext();
    this.#context.resume();
    if (typeof Notification === "function" && Notification.permission === "default") Notification.requestPermission();
  }

  ring(offer, text) {
    if (offer === this.#ringing) return;
    this.stop();
    this.#ringing = offer;
    this.#context ??= new AudioContext();
    this.#sound();
    this.#timer = setInterval(() => this.#sound(), PERIOD_MS);
    if (document.hidden && typeof Notification === "function" && Notification.permission === "granted") {
      this.#note = new Notification(text, { tag: "salesos.offer", requireInteraction: true });
      this.#note.addEventListener("click", () => window.focus());
    }
  }

  stop() {
    clearInterval(this.#timer);
    this.#note?.close();
    this.#timer = this.#note = null;
    this.#ringing = "";
  }

  #sound() {
    const context = this.#context;
    if (context.state !== "running") return; // not before somebody has clicked on this page
    const gain = context.createGain();
    gain.gain.setValueAtTime(LOUDNESS, context.currentTime);
    gain.gain.setTargetAtTime(0, context.currentTime + ON_S, 0.05);
    gain.connect(context.destination);
    for (const hz of TONES_HZ) {
      const tone = context.createOscillator();
      tone.frequency.value = hz;
      tone.connect(gain);
      tone.start();
      tone.stop(context.currentTime + ON_S + 0.3);
    }
  }
}
