// G.711 µ-law to samples of -1 to 1.

const TABLE = Float32Array.from({ length: 256 }, (_, code) => {
  const turned = ~code & 0xff;
  const size = (((turned & 0x0f) << 3) + 0x84) << ((turned & 0x70) >> 4);
  return (turned & 0x80 ? 0x84 - size : size - 0x84) / 32768;
});

/** Return the samples of µ-law bytes. */
export function samplesOf(bytes) {
  const samples = new Float32Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) samples[at] = TABLE[bytes[at]];
  return samples;
}
