// The part of listening that runs beside the page, on the sound card's clock: frames in by its port, two sides out.

import { PlayoutBuffer } from "./playout_buffer.js";

const REPORT_S = 1;

class Playout extends AudioWorkletProcessor {
  #buffer = new PlayoutBuffer(sampleRate);
  #reportAt = 0;
  #on = true;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === null) this.#on = false;
      else this.#buffer.push(data.number, data.prospect, data.ours);
    };
  }

  process(_inputs, [output]) {
    this.#buffer.pull(output[0], output[1]);
    if (currentTime >= this.#reportAt) {
      this.#reportAt = currentTime + REPORT_S;
      const { depthMs, targetMs, underruns, shed, cut } = this.#buffer;
      this.port.postMessage({ depthMs, targetMs, underruns, shed, cut });
    }
    return this.#on;
  }
}

registerProcessor("playout", Playout);
