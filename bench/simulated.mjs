// Data of the benchmark's own models: the same numbers each time, drawn from the models at fixed parameters.

/** Uniform numbers (mulberry32) and normal ones of two of them (Box and Muller 1958). */
function numbers(seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}
/** Six digits, so that both sides read the same numbers from text. */
const rounded = (x) => Number(x.toFixed(6));

export const simulate = {
  garch11() {
    const { normal } = numbers(11);
    const y = [];
    let variance = 1;
    for (let t = 0; t < 500; t++) {
      if (t > 0) variance = 0.1 + 0.3 * (y[t - 1] - 0.5) ** 2 + 0.5 * variance;
      y.push(rounded(0.5 + Math.sqrt(variance) * normal()));
    }
    return { T: 500, y, sigma1: 1 };
  },
  gauss_mix() {
    const { uniform, normal } = numbers(12);
    const y = Array.from({ length: 1000 }, () => rounded(uniform() < 0.4 ? -1.5 + 0.8 * normal() : 1.7 + 1.1 * normal()));
    return { N: 1000, y };
  },
  gp_regr() {
    const { normal } = numbers(13);
    const x = Array.from({ length: 50 }, (_, i) => rounded(-10 + (20 * i) / 49));
    const y = x.map((v) => rounded(2 * Math.sin(v / 4) + 0.5 * Math.cos(v) + 0.5 * normal()));
    return { N: 50, x, y };
  },
};
