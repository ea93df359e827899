// The end of the call that comes, as the node tells it: a sentence, and how many seconds are left.

export class Ending {
  #element;
  #timer = null;

  /** `element` has two children: for the seconds, which no screen reader counts aloud, and for the sentence. */
  constructor(element) {
    this.#element = element;
  }

  /** {reason, in_s, sentence}: an empty reason says that it was put off. */
  told({ reason, in_s: inS, sentence }) {
    this.clear();
    if (!reason) return;
    const at = performance.now() + inS * 1000;
    const [seconds, words] = this.#element.children;
    const show = () => {
      seconds.textContent = left(Math.max(0, at - performance.now()));
    };
    show();
    this.#element.hidden = false;
    words.textContent = sentence;
    this.#timer = setInterval(show, 1000);
  }

  clear() {
    clearInterval(this.#timer);
    this.#element.hidden = true;
    for (const part of this.#element.children) part.textContent = "";
  }
}

function left(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s.` : `${Math.round(seconds / 60)} min.`;
}
