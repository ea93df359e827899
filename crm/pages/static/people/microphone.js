// A person's microphone: which one, whether the browser lets us, how loud it is, and when it is pulled out.

const SENTENCES = {
  NotAllowedError: "The browser does not let this page use a microphone: allow it beside the page's address, and try again.",
  NotFoundError: "There is no microphone: plug one in, and try again.",
  NotReadableError: "The microphone is taken by another program, or does not work: choose another one.",
  OverconstrainedError: "The chosen microphone is not there any more: choose another one.",
};

export class NoMicrophone extends Error {}

export class Microphone {
  echoCancelled = true; // as it was opened last
  #stream = null;
  #context = null;
  #analyser = null;
  #onGone;

  /** `onGone` is told when the microphone is pulled out. */
  constructor(onGone) {
    this.#onGone = onGone;
  }

  /** Open one and return its track. `deviceId`: empty for the system's. Throws NoMicrophone with what to do. */
  async open(deviceId, echoCancelled) {
    this.close();
    this.echoCancelled = echoCancelled;
    if (!navigator.mediaDevices) {
      throw new NoMicrophone("Browsers give microphones only to pages at https:// addresses, or at localhost.");
    }
    const audio = { echoCancellation: echoCancelled, noiseSuppression: echoCancelled, autoGainControl: echoCancelled };
    if (deviceId) audio.deviceId = { exact: deviceId };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new NoMicrophone(SENTENCES[error.name] ?? `The microphone cannot be used (${error.name}).`);
    }
    const [track] = this.#stream.getAudioTracks();
    track.addEventListener("ended", () => this.#onGone("The microphone was pulled out, or taken away: plug one in, and choose it below."));
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(this.#stream).connect(this.#analyser);
    return track;
  }

  get track() {
    return this.#stream?.getAudioTracks()[0] ?? null;
  }

  get analyser() {
    return this.#analyser;
  }

  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#context?.close();
    this.#stream = this.#context = this.#analyser = null;
  }
}

/** Find out whether a microphone can be used, and let go of it. Throws NoMicrophone. */
export async function tryMicrophone(deviceId, echoCancelled) {
  const tried = new Microphone(() => null);
  await tried.open(deviceId, echoCancelled);
  tried.close();
}

/** Return {microphones, speakers}; without leave to use one, browsers tell no names. */
export async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const named = (kind) => all.filter((device) => device.kind === kind && device.deviceId);
  return { microphones: named("audioinput"), speakers: named("audiooutput") };
}
