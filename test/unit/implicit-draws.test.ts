// Draws of guides with implicit paths: the gradient of E f(x) is the closed form, with less variance than the score function's.
import { expect, test } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

const DRAWS = 20_000;
interface Case {
  readonly name: string;
  readonly params: Readonly<Record<string, number | readonly number[]>>;
  /** f of draws [n, event…], as [n]. */
  f(b: Builder, x: Value): Value;
  /** The derivatives of E f by the parameters, in order. */
  readonly expected: readonly number[];
}
const itself = (_b: Builder, x: Value): Value => x;
const squared = (b: Builder, x: Value): Value => b.square(x);
const gamma = (alpha: number, beta: number): Case => ({
  name: "Gamma",
  params: { alpha, beta },
  f: squared,
  // E x² = α (α + 1) / β²
  expected: [(2 * alpha + 1) / beta ** 2, (-2 * alpha * (alpha + 1)) / beta ** 3],
});
const beta = (alpha: number, beta: number): Case => {
  const n = alpha + beta;
  return { name: "Beta", params: { alpha, beta }, f: itself, expected: [beta / n ** 2, -alpha / n ** 2] };
};
/** E cos x is A(κ) cos μ, A = I₁ / I₀, whose derivative is 1 - A / κ - A². */
const circle = (mu: number, kappa: number): Case => {
  const bessel = (order: number): number => {
    let [sum, term] = [0, (kappa / 2) ** order];
    for (let k = 1; term > 1e-17 * sum; k++) {
      sum += term;
      term *= (kappa / 2) ** 2 / (k * (k + order));
    }
    return sum;
  };
  const a = bessel(1) / bessel(0);
  return {
    name: "VonMises",
    params: { mu, kappa },
    f: (b, x) => b.cos(x),
    expected: [-a * Math.sin(mu), (1 - a / kappa - a * a) * Math.cos(mu)],
  };
};
const cases: readonly Case[] = [
  gamma(0.05, 0.3),
  gamma(0.7, 2),
  gamma(3.5, 0.4),
  gamma(80, 10),
  { name: "InvGamma", params: { alpha: 6.5, beta: 2 }, f: itself, expected: [-2 / 5.5 ** 2, 1 / 5.5] },
  { name: "ChiSquare", params: { nu: 3 }, f: itself, expected: [1] },
  { name: "InvChiSquare", params: { nu: 12 }, f: itself, expected: [-1 / 100] },
  { name: "ScaledInvChiSquare", params: { nu: 14, sigma: 1.5 }, f: itself, expected: [(-2 * 2.25) / 144, (2 * 14 * 1.5) / 12] },
  beta(0.2, 0.4),
  beta(2, 5),
  beta(40, 7),
  { name: "BetaProportion", params: { mu: 0.3, kappa: 6 }, f: squared, expected: [0.6 + 0.4 / 7, -0.21 / 49] },
  circle(0.4, 2.5),
  circle(2.9, 4),
  {
    // E x₁ x₂ = α₁ α₂ / (n (n + 1))
    name: "Dirichlet",
    params: { alpha: [0.5, 2, 1.5] },
    f: (b, x) => b.mul(b.reshape(b.slice(x, 1, 0, 1), [DRAWS]), b.reshape(b.slice(x, 1, 1, 1), [DRAWS])),
    expected: [2 / 20 - 9 / 400, 0.5 / 20 - 9 / 400, -9 / 400],
  },
];

interface Moments {
  readonly mean: number;
  readonly variance: number;
}
function momentsOf(values: Float64Array, stride: number, offset: number): Moments {
  let [mean, square] = [0, 0];
  for (let i = 0; i < DRAWS; i++) mean += values[i * stride + offset] / DRAWS;
  for (let i = 0; i < DRAWS; i++) square += (values[i * stride + offset] - mean) ** 2 / (DRAWS - 1);
  return { mean, variance: square };
}

test.each(cases)("$name $params", ({ name, params, f, expected }) => {
  const record = distributions.get(name);
  if (!record) return expect.fail("no such distribution");
  const b = createBuilder();
  const inputs: Value[] = [];
  const own: Record<string, Value> = {};
  for (const [k, v] of Object.entries(params)) {
    const shape = typeof v === "number" ? [DRAWS] : [DRAWS, v.length];
    own[k] = b.input(k, { shape, dtype: "real" });
    inputs.push(own[k]);
  }
  const d = apply(b, record, own);
  const draw = d.attempts;
  expect(draw?.gradient).toBe("pathwise");
  if (!draw) return;
  const event = record.event === 1 ? [Object.values(params).map((v) => (typeof v === "number" ? 1 : v.length))[0]] : [];
  const shape = [DRAWS, ...event];
  const noise = draw.noise(shape).map((n, i) => b.input(`noise ${i}`, { shape: n.shape, dtype: "real" }));
  const x = draw.build(b, noise, shape);
  const wrt = Object.values(own);
  const along = gradient(b, b.sum(f(b, x)), wrt);
  const held = b.stopGradient(x);
  const value = f(b, held);
  // With the mean as a baseline, as engines have that of the other draws.
  const centred = b.sub(value, b.div(b.sum(value), b.constant(DRAWS)));
  const scored = gradient(b, b.sum(b.mul(b.stopGradient(centred), d.logDensity(b, held))), wrt);
  const program = { inputs: [...inputs, ...noise], outputs: [...along, ...scored], updates: [] };
  const executable = instantiate(compileWasm(simplify(b, program)));
  const rng = stream(8, `${name} ${JSON.stringify(params)}`);
  noise.forEach((_, i) => {
    rng.fillNormal(executable.inputs[`noise ${i}`] as Float64Array);
  });
  for (const [k, v] of Object.entries(params)) {
    const numbers = typeof v === "number" ? [v] : v;
    executable.inputs[k].set(Float64Array.from({ length: DRAWS * numbers.length }, (_, i) => numbers[i % numbers.length]));
  }
  executable.run();
  let next = 0;
  Object.values(params).forEach((v, i) => {
    const stride = typeof v === "number" ? 1 : v.length;
    for (let k = 0; k < stride; k++) {
      const path = momentsOf(executable.outputs[i] as Float64Array, stride, k);
      const score = momentsOf(executable.outputs[wrt.length + i] as Float64Array, stride, k);
      const error = Math.sqrt(path.variance / DRAWS);
      const derivative = expected[next++];
      expect(Math.abs(path.mean - derivative), `${path.mean} ± ${error}, not ${derivative}`).toBeLessThan(4 * error);
      expect(path.variance, `variance by the score function ${score.variance}`).toBeLessThan(score.variance);
    }
  });
});
