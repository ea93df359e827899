// How loud something is, for a meter: 0 is silence, 1 as loud as it gets.

const FLOOR_DB = -60;

/** Return an analyser's level. */
export function levelOf(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return shownLevel(Math.sqrt(sum / samples.length));
}

/** Return how far a meter goes for a mean amplitude (0 to 1): loudness is heard by its logarithm. */
export function shownLevel(amplitude) {
  return Math.max(0, 1 - (20 * Math.log10(amplitude + 1e-6)) / FLOOR_DB);
}

/** Let `read` fill `meters` (element to level) ten times a second while the page is looked at. Returns how to stop. */
export function showLevels(read) {
  const timer = setInterval(() => {
    if (document.hidden) return;
    for (const [meter, level] of read()) meter.value = level;
  }, 100);
  return () => clearInterval(timer);
}
