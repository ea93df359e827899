// Holds the live sound of a call for as long as the network's unevenness needs, and no longer. No clock: time is what
// is pulled. Two sides, left the prospect's and right what the prospect hears, always of the same length.

const START_MS = 80; // two frames of the node's, which are of 60 ms
const LEAST_MS = 70;
const MOST_MS = 400;
const LONGER_MS = 40; // when it ran dry
const SHORTER_MS = 10; // when it did not for CALM_MS
const CALM_MS = 10000;
const WINDOW_MS = 2000; // what was over for all of that is too much
const SLACK_MS = 40;
const CAPACITY_MS = 1000; // further behind than that is no live sound
const FADE_MS = 4;

export class PlayoutBuffer {
  underruns = 0;
  shed = 0; // frames that the node left out
  cut = 0; // samples left out to be live again
  #rate;
  #left = [];
  #right = [];
  #first = 0; // index of the next sample in the first chunk
  #depth = 0;
  #next = null; // the frame's number that follows
  #playing = false;
  #targetMs = START_MS;
  #calm = 0;
  #window = 0;
  #least = Infinity;

  /** `rateHz`: of what is put in and pulled. */
  constructor(rateHz) {
    this.#rate = rateHz;
  }

  get depthMs() {
    return (this.#depth / this.#rate) * 1000;
  }

  get targetMs() {
    return this.#targetMs;
  }

  /** Take frame `number`; both sides are Float32Array of one length. One that comes twice, or late, is left out. */
  push(number, left, right) {
    if (this.#next !== null && number < this.#next) return;
    if (this.#next !== null) this.shed += number - this.#next;
    this.#next = number + 1;
    this.#left.push(left);
    this.#right.push(right);
    this.#depth += left.length;
    if (this.depthMs > CAPACITY_MS) this.#skip(this.#depth - this.#samples(this.#targetMs));
  }

  /** Fill both with what comes next; silence where there is nothing. */
  pull(left, right) {
    if (!this.#playing && this.depthMs >= this.#targetMs) {
      this.#playing = true;
      this.#restart();
    }
    if (!this.#playing) {
      left.fill(0);
      right.fill(0);
      return;
    }
    const given = this.#take(left, right);
    if (given < left.length) {
      left.fill(0, given);
      right.fill(0, given);
      this.underruns += 1;
      this.#playing = false;
      this.#targetMs = Math.min(MOST_MS, this.#targetMs + LONGER_MS);
      return;
    }
    this.#watch(left.length);
  }

  /** Shorten what was too long for a whole window, and the target after a calm while. */
  #watch(samples) {
    this.#least = Math.min(this.#least, this.#depth);
    this.#window += samples;
    this.#calm += samples;
    if (this.#window >= this.#samples(WINDOW_MS)) {
      const over = this.#least - this.#samples(this.#targetMs);
      if (over > this.#samples(SLACK_MS)) this.#skip(over);
      this.#window = 0;
      this.#least = Infinity;
    }
    if (this.#calm >= this.#samples(CALM_MS)) {
      this.#targetMs = Math.max(LEAST_MS, this.#targetMs - SHORTER_MS);
      this.#calm = 0;
    }
  }

  #restart() {
    this.#calm = this.#window = 0;
    this.#least = Infinity;
  }

  #samples(ms) {
    return Math.round((ms * this.#rate) / 1000);
  }

  /** Leave out `count` samples; what follows fades in, so that no click is heard. */
  #skip(count) {
    this.cut += count;
    this.#drop(count);
    const fade = Math.min(this.#samples(FADE_MS), (this.#left[0]?.length ?? 0) - this.#first);
    for (let at = 0; at < fade; at += 1) {
      this.#left[0][this.#first + at] *= at / fade;
      this.#right[0][this.#first + at] *= at / fade;
    }
    this.#restart();
  }

  #drop(count) {
    this.#depth -= count;
    let rest = count;
    while (rest > 0) {
      const here = Math.min(rest, this.#left[0].length - this.#first);
      this.#advance(here);
      rest -= here;
    }
  }

  #take(left, right) {
    let given = 0;
    while (given < left.length && this.#left.length > 0) {
      const here = Math.min(left.length - given, this.#left[0].length - this.#first);
      left.set(this.#left[0].subarray(this.#first, this.#first + here), given);
      right.set(this.#right[0].subarray(this.#first, this.#first + here), given);
      given += here;
      this.#depth -= here;
      this.#advance(here);
    }
    return given;
  }

  #advance(count) {
    this.#first += count;
    if (this.#first >= this.#left[0].length) {
      this.#left.shift();
      this.#right.shift();
      this.#first = 0;
    }
  }
}
