// Talking in a call: the peer connection to its node. A broken one is replaced by another on the same seat.

import { waitMs } from "./retry.js";

const GATHERING_MS = 1500; // the node is reached at an address that it names: what we find early suffices
const UNWELL_MS = 2500; // "disconnected" often mends itself
const UNHEARD_MS = 3000;
const TRIES_MAX = 8;

export class Voice {
  #attendance;
  #element;
  #on;
  #peer = null;
  #track = null;
  #tries = 0;
  #timer = null;
  #watching = null;
  #stopped = false;

  /** `element`: an audio element for what is heard. `on`: state(name, sentence) for "connecting", "heard" and "broken". */
  constructor(attendance, element, on) {
    this.#attendance = attendance;
    this.#element = element;
    this.#on = on;
  }

  /** Connect with a microphone's track; resolves when the node has the offer, "heard" follows by `arrived`. */
  async start(track) {
    this.#stopped = false;
    this.#track = track;
    await this.#connect();
  }

  get peer() {
    return this.#peer;
  }

  /** Whether the browser has heard nothing of a broken connection. */
  get stands() {
    return this.#peer?.connectionState === "connected";
  }

  /** The node says that one is in the call by sound. */
  arrived() {
    this.#tries = 0;
    this.#on.state("heard", "");
  }

  /** The network, or the page's socket, is another one now: connect again. */
  again() {
    if (this.#stopped || this.#track === null) return;
    clearTimeout(this.#timer);
    if (this.#tries >= TRIES_MAX) {
      this.#on.state("broken", "Your sound cannot be connected: check the network, and join again.");
      return;
    }
    this.#on.state("connecting", "Your sound is being connected again.");
    this.#timer = setTimeout(() => this.#connect().catch(() => this.again()), waitMs(this.#tries, Math.random()));
    this.#tries += 1;
  }

  /** Talk by another microphone without connecting anew. */
  async use(track) {
    this.#track = track;
    const sender = this.#peer?.getSenders().find((one) => one.track?.kind === "audio" || one.track === null);
    await sender?.replaceTrack(track);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#watching);
    this.#peer?.close();
    this.#peer = null;
    this.#element.srcObject = null;
  }

  async #connect() {
    const { ice_servers: iceServers, relay_only: relayOnly } = this.#attendance.welcome;
    const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: relayOnly ? "relay" : "all" });
    const before = this.#peer;
    this.#peer = peer;
    peer.addTrack(this.#track, new MediaStream([this.#track]));
    peer.addEventListener("track", ({ streams, track }) => {
      this.#element.srcObject = streams[0] ?? new MediaStream([track]);
      this.#element.play().catch(() => this.#on.state("silent", "Click anywhere: the browser holds the sound back until then."));
    });
    peer.addEventListener("connectionstatechange", () => this.#changed(peer));
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const { data } = await this.#attendance.ask("connect", { sdp: peer.localDescription.sdp });
    if (this.#peer !== peer) return peer.close();
    await peer.setRemoteDescription({ type: "answer", sdp: data.sdp });
    before?.close();
    this.#watch(peer);
  }

  #changed(peer) {
    if (peer !== this.#peer || this.#stopped) return;
    clearTimeout(this.#timer);
    if (peer.connectionState === "failed") this.again();
    else if (peer.connectionState === "disconnected") this.#timer = setTimeout(() => this.again(), UNWELL_MS);
  }

  /** Say so when nothing arrives: the node sends something fifty times a second, silence too. */
  #watch(peer) {
    clearInterval(this.#watching);
    let packets = -1;
    let said = false;
    this.#watching = setInterval(async () => {
      if (peer !== this.#peer || peer.connectionState !== "connected") return;
      let now = 0;
      for (const report of (await peer.getStats()).values()) if (report.type === "inbound-rtp") now += report.packetsReceived;
      const deaf = now === packets;
      packets = now;
      if (deaf !== said) this.#on.state(deaf ? "deaf" : "heard", deaf ? "Nothing of the call arrives here: check the network." : "");
      said = deaf;
    }, UNHEARD_MS);
  }
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const late = setTimeout(resolve, GATHERING_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(late);
      resolve();
    });
  });
}
