// The pages /live and /phone: the table of live calls, and the one that is open, by mouse and by keyboard.

import { acknowledged } from "./acknowledged.js";
import { remembered } from "./attendance.js";
import { Attending } from "./attending.js";
import { CallsList } from "./calls_list.js";
import { NotServed, post } from "./crm.js";
import { Refused } from "./call_socket.js";
import { Dialling } from "./dialling.js";
import { runMeters } from "./meters.js";
import { NoMicrophone, tryMicrophone } from "./microphone.js";
import { Panel } from "./panel.js";
import { Seat } from "./seat.js";
import { Session } from "./session.js";
import { listenForKeys } from "./shortcuts.js";
import { SoundChoice } from "./sound_choice.js";
import { Transferring } from "./transfer.js";

const desk = document.getElementById("desk");
const seat = desk.dataset.seat;
const nodes = desk.dataset.nodes.split(" ").filter(Boolean);
const panel = new Panel();
const choice = new SoundChoice(
  (deviceId, echo) => session?.talking && session.useMicrophone(deviceId, echo).catch((error) => panel.fault(error.message)),
  (speaker) => panel.element("heard").setSinkId?.(speaker).catch(() => panel.fault("That speaker cannot be used: choose another one.")),
);
const dialling = seat === "rep" ? new Dialling(dial) : null;
const transferring = new Transferring(
  (name, fields) => (session === null ? Promise.reject(new NotServed("no_call", "Go to a call first.")) : session.ask(name, fields)),
  (answer) => panel.answered(answer),
  (sentence) => panel.fault(sentence),
);
let session = null;

const list = new CallsList(panel.element("calls"), panel.element("calls-status"), desk.dataset.verb, (call) => open(call));

/** Go to a call; `before`: how this tab was in it when it was loaded again; `given`: a ticket to it, if there is one. */
async function open(call, before = null, given = {}) {
  if (session?.attendance.callId === call.call_id && session.attendance.inCall) return;
  await session?.leave();
  const mine = new Session(call.call_id, seat, nodes, panel.element("heard"), {
    connection: (name, sentence) => mine === session && panel.connection(name, sentence),
    sound: (name, sentence) => mine === session && panel.sound(name, sentence),
    news: (message) => {
      if (mine !== session) return;
      panel.news(message);
      transferring.news(message);
    },
    changed: () => mine === session && show(),
    // The new page knows of the new node.
    elsewhere: () => location.assign(`${location.pathname}?call=${call.call_id}`),
  });
  session = mine;
  panel.open(call);
  transferring.open();
  list.mark(call.call_id);
  try {
    await mine.come(before ?? given);
    if (seat === "supervisor" && (before === null || before.listening)) await press("listen", () => mine.listen(true));
    if (seat === "rep" && before === null) await press("join", () => connect());
    if (before?.talking) {
      await connect();
      if (before.muted) await mine.mute(true);
    }
  } catch (error) {
    if (!known(error)) throw error;
    panel.fault(error.message);
  }
  if (mine === session) show();
}

/** Be in the call by sound, if one is not yet. */
async function connect() {
  await session.connect(choice.microphone, choice.echo);
  await choice.refresh();
}

/** Call a lead oneself. Nobody's telephone rings for somebody who cannot be heard. */
async function dial(lead) {
  if (session?.attendance.inCall) throw new NotServed("in_call", "You are in a call: leave it, or hang up, before you call somebody else.");
  await tryMicrophone(choice.microphone, choice.echo);
  const { call_id: callId } = await post(`/people/leads/${lead.id}/dial`);
  await open({ ...called(callId, lead.name), company: lead.company ?? "" });
  panel.element("panel").focus();
}

/** Talk with a caller whom one has taken. */
async function take(call, given) {
  await open(call, null, given);
  panel.element("panel").focus();
}

/** Have a button's act done: at once on the button, confirmed when the server has. */
function press(name, act) {
  return acknowledged(panel.element(name), act, (sentence) => panel.fault(sentence));
}

async function takeRole(role) {
  await connect();
  panel.answered(await session.changeRole(role));
}

const ACTS = {
  listen: () => press("listen", (on) => session.listen(on)),
  join: () => press("join", (on) => (on ? connect() : session.disconnect())),
  "whisper-voice": () => press("whisper-voice", (on) => takeRole(on ? "whisperer" : "listener")),
  barge: () => press("barge", (on) => takeRole(on ? "barger" : "listener")),
  beside: () => press("beside", (on) => takeRole(on ? "rep" : "listener")),
  "take-over": () =>
    press("take-over", async () => {
      await connect();
      panel.answered(await session.ask("take_over"));
    }),
  "hand-back": () =>
    press("hand-back", async () => {
      panel.answered(await session.ask("hand_back", { agreed: panel.element("agreed").value }));
      panel.element("agreed").value = "";
      session.role = "listener";
      show();
    }),
  mute: () => press("mute", (on) => session.mute(on).then(() => session.attendance.keep({ muted: on }))),
  hold: () => press("hold", async (on) => panel.answered(await session.ask("hold", { on }))),
  leave: async () => {
    const left = session;
    await press("leave", () => left.leave());
    if (left !== session) return;
    session = null;
    panel.close();
    list.mark(null);
  },
  "hang-up": () =>
    press("hang-up", async () => {
      if (!confirm("Hang up on the prospect?")) return;
      await post(`/people/calls/${session.attendance.callId}/hang-up`);
    }),
};

for (const [name, act] of Object.entries(ACTS)) {
  document.getElementById(name)?.addEventListener("click", () => session !== null && act());
}

listenForKeys(() => session !== null);

panel.element("keypad").addEventListener("click", (event) => {
  const button = event.target.closest("[data-key]");
  if (button && session) acknowledged(button, () => session.ask("keys", { keys: button.dataset.key }), (text) => panel.fault(text));
});

onSubmit("whisper", "whisper-text", (text) => session.ask("whisper", { text }));
onSubmit("note", "note-text", (text) => post(`/people/calls/${session.attendance.callId}/notes`, { text }));
document.getElementById("agreed-form").addEventListener("submit", (event) => {
  event.preventDefault();
  document.getElementById("hand-back").click();
});
panel.element("volume")?.addEventListener("input", (event) => session?.listening?.loudness(Number(event.target.value)));
panel.element("spread")?.addEventListener("input", (event) => session?.listening?.spread(Number(event.target.value)));

/** Have what was written done, and empty the line when it is. */
function onSubmit(form, field, act) {
  document.getElementById(form)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = document.getElementById(field);
    const text = input.value.trim();
    if (!text || session === null) return;
    const button = event.target.querySelector("button");
    if (await acknowledged(button, () => act(text), (sentence) => panel.fault(sentence))) input.value = "";
  });
}

function show() {
  panel.show(session);
  session?.listening?.spread(Number(panel.element("spread").value));
}

runMeters(panel, () => session);

function known(error) {
  return [Refused, NotServed, NoMicrophone].some((kind) => error instanceof kind);
}

// A socket of the network before would be noticed to be dead only when its pings are missed.
addEventListener("online", () => session?.move());

// Whoever talks in a call is asked before the tab closes.
addEventListener("beforeunload", (event) => {
  if (session?.talking) event.preventDefault();
});

/** Be again in the call that this tab was in, or go to the one that the address names. */
async function begin() {
  const before = remembered();
  const asked = new URLSearchParams(location.search);
  const named = asked.get("call");
  if (before && before.seat === seat && (!named || named === before.callId)) await open(called(before.callId, before.name), before);
  else if (named) await open(called(named, ""));
  if (dialling) await (asked.get("lead") ? dialling.name(asked.get("lead")) : dialling.find());
}

function called(callId, name) {
  return { call_id: callId, lead_name: name ?? "", state: "", company: "" };
}

panel.onCall(() => list.find(session?.attendance.callId));
list.run();
if (seat === "rep") new Seat(nodes, take).run();
else new Attending().run();
choice.refresh();
begin();
// For tests, and for whoever looks for a fault in the browser's console.
window.desk = { get session() { return session; }, list };
