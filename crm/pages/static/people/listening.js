// Hearing a call without being in it by sound: the node's frames, both sides apart, placed left and right.

import { samplesOf } from "./ulaw.js";

const RATE_HZ = 8000; // the frames'; the browser brings it to what the sound card wants
const FRAME_SAMPLES = 480; // 60 ms

export class Listening {
  figures = null; // of the buffer, once a second
  #context;
  #node = null;
  #sides = [];
  #apart = 0;
  #volume = 1;

  /** Made by a click or a key: browsers let nothing sound before one. */
  constructor() {
    this.#context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
  }

  async start() {
    await this.#context.audioWorklet.addModule(new URL("./playout_worklet.js", import.meta.url));
    await this.#context.resume();
    this.#node = new AudioWorkletNode(this.#context, "playout", { numberOfInputs: 0, outputChannelCount: [2] });
    this.#node.port.onmessage = ({ data }) => (this.figures = data);
    const apart = this.#context.createChannelSplitter(2);
    this.#node.connect(apart);
    for (const channel of [0, 1]) {
      const gain = this.#context.createGain();
      const place = this.#context.createStereoPanner();
      const analyser = this.#context.createAnalyser();
      analyser.fftSize = 512;
      apart.connect(gain, channel);
      apart.connect(analyser, channel);
      gain.connect(place).connect(this.#context.destination);
      this.#sides.push({ gain, place, analyser });
    }
    this.spread(this.#apart);
    this.loudness(this.#volume);
  }

  /** Take one "sound" message of the node's. */
  hear({ n, prospect, ours }) {
    const samples = Math.max(prospect.length, ours.length) || FRAME_SAMPLES;
    this.#node?.port.postMessage({ number: n, prospect: side(prospect, samples), ours: side(ours, samples) });
  }

  /** `apart`: 0 both in the middle, 1 the prospect left and our side right. */
  spread(apart) {
    this.#apart = apart;
    for (const [side, { place }] of this.#sides.entries()) place.pan.value = side === 0 ? -apart : apart;
  }

  /** `volume`: 0 to 1. */
  loudness(volume) {
    this.#volume = volume;
    for (const { gain } of this.#sides) gain.gain.value = volume;
  }

  get analysers() {
    return this.#sides.map(({ analyser }) => analyser);
  }

  async stop() {
    this.#node?.port.postMessage(null);
    if (this.#context.state !== "closed") await this.#context.close();
  }
}

/** A side that is silent travels as nothing. */
function side(bytes, samples) {
  return bytes.length === 0 ? new Float32Array(samples) : samplesOf(bytes);
}
