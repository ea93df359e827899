// When to try again after a connection was lost. No clock and no chance of its own.

const FIRST_MS = 200; // a node that restarts its socket, or a network that switched, is back at once
const LONGEST_MS = 4000;
export const GIVE_UP_MS = 60000; // the call has waited 20 s for a person, so what comes later comes anew

/** Return how long to wait before try `number`, from 0; `chance` is 0 to 1 and keeps many pages apart. */
export function waitMs(number, chance) {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(number, 10));
  return Math.round(most * (0.5 + chance / 2));
}
