// Data of models/classics: drawn from the models themselves, with known truth, by one seeded stream a file. node scripts/classics-data.mjs
import { writeFileSync } from "node:fs";

/** Uniform on (0, 1): mulberry32. */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}
/** Standard normal, by Box and Muller. */
function normal(seed) {
  const u = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(u())) * Math.cos(2 * Math.PI * u());
}
const rounded = (x) => Math.round(x * 1000) / 1000;
const many = (n, f) => Array.from({ length: n }, (_, i) => f(i));

/** Forty tosses of a coin that shows heads with probability 0.7. */
function coin() {
  const u = uniform(1);
  return { y: many(40, () => (u() < 0.7 ? 1 : 0)) };
}

/** Sixty rows of an intercept and five covariates. */
function regression() {
  const z = normal(2);
  const beta = [1, -0.8, 0.5, 0, 0.3, -0.2];
  const X = many(60, () => [1, ...many(5, () => rounded(z()))]);
  const y = X.map((row) => rounded(row.reduce((sum, x, j) => sum + x * beta[j], 0) + 0.5 * z()));
  return { X, y, sigma: 0.5, x_new: [1, 0.5, -1, 1, 0, 2] };
}

/** Three clusters in the plane, of different sizes and widths. */
function mixture() {
  const z = normal(3);
  const u = uniform(4);
  const centres = [
    [0, 0],
    [3, 1],
    [-1, 4],
  ];
  const x = many(200, () => {
    const share = u();
    const k = share < 0.5 ? 0 : share < 0.8 ? 1 : 2;
    return centres[k].map((m) => rounded(m + (0.5 + 0.3 * k) * z()));
  });
  return { x };
}

/** Rows of a factor model with two factors in five dimensions. */
function factors() {
  const z = normal(5);
  const W = [
    [1.2, 0],
    [0.9, 0.4],
    [0.2, 1],
    [-0.6, 0.7],
    [0, -0.5],
  ];
  const mean = [1, 0, -1, 2, 0.5];
  const x = many(200, () => {
    const own = [z(), z()];
    return W.map((w, d) => rounded(mean[d] + w[0] * own[0] + w[1] * own[1] + 0.4 * z()));
  });
  return { x };
}

/** Rows of a factor model whose loadings are known and orthogonal, so that the factors are independent given the data. */
function local() {
  const z = normal(6);
  const W = [
    [1, 1],
    [1, -1],
    [0.5, 0.5],
    [0.5, -0.5],
  ];
  const x = many(100, () => {
    const own = [z(), z()];
    return W.map((w) => rounded(w[0] * own[0] + w[1] * own[1] + 0.5 * z()));
  });
  return { x, W, s: 0.5 };
}

const files = {
  coin: coin(),
  regression: regression(),
  three_bounds: { x: 2.5 },
  importance_weights: { y: 1.8, w: [0.6, 0.3, 0.1], mu: [0, 2, 5], s: [1, 0.5, 2] },
  mixture: mixture(),
  ppca: factors(),
  linear_vae: factors(),
  local_guide: local(),
};
for (const [name, data] of Object.entries(files)) {
  const rows = (value) =>
    Array.isArray(value?.[0]) ? `[\n${value.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]` : JSON.stringify(value);
  const text = Object.entries(data).map(([key, value]) => `  ${JSON.stringify(key)}: ${rows(value)}`);
  writeFileSync(new URL(`../models/classics/${name}.data.json`, import.meta.url), `{\n${text.join(",\n")}\n}\n`);
}
