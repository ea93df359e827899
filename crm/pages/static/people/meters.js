// The three meters of the open call: the prospect, our side, and one's own microphone.

import { levelOf, showLevels } from "./level.js";

/** `current` returns the session that is open, or null. Who does not listen by the socket sees what the call tells. */
export function runMeters(panel, current) {
  showLevels(() => {
    const session = current();
    const levels = [];
    const [prospect, ours] = session?.listening?.analysers ?? [];
    if (prospect && ours) levels.push([panel.element("level-prospect"), levelOf(prospect)], [panel.element("level-ours"), levelOf(ours)]);
    const microphone = session?.microphone.analyser;
    levels.push([panel.element("level-microphone"), microphone && !session.muted ? levelOf(microphone) : 0]);
    return levels;
  });
}
