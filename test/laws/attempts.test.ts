// Laws of draws by rejection as programs of noise: they have the distribution's mass, as the host's draws do.
import { describe, expect, test } from "vitest";
import { tableDraw } from "../../src/dsl/compile/table-draw.ts";
import { apply } from "../../src/dsl/distributions/applied.ts";
import type { NoiseSpec } from "../../src/dsl/distributions/define.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { hostSampler } from "../../src/dsl/distributions/modifiers/host.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { caseOf, drawMany } from "./distribution-cases.ts";
import { expectInside } from "./distribution-draws.ts";

const DRAWS = 20000;
const attempted = [...new Set(distributions.values())].filter((d) => d.attempts && d.event === 0);
const vectors = [...new Set(distributions.values())].filter((d) => d.attempts && d.event === 1);
/** Around where one way ends and the other begins, small, large, and as the golden rows have them. */
const more: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>> = {
  Poisson: [0.3, 9.9, 10.1, 45, 3000].map((lambda) => ({ lambda })),
  Gamma: [0.05, 0.9, 1.1, 40].map((alpha) => ({ alpha, beta: 1.7 })),
  NegBinomial2: [
    { mu: 4, phi: 0.7 },
    { mu: 60, phi: 5 },
  ],
};

function compare(draws: Float64Array, host: Float64Array): number {
  // Two-sample Kolmogorov-Smirnov statistic times √(n m / (n + m)); ties make it smaller.
  const [a, b] = [draws.slice().sort(), host.slice().sort()];
  let [i, j, most] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const x = Math.min(a[i], b[j]);
    while (i < a.length && a[i] === x) i++;
    while (j < b.length && b[j] === x) j++;
    most = Math.max(most, Math.abs(i / a.length - j / b.length));
  }
  return most * Math.sqrt((a.length * b.length) / (a.length + b.length));
}
/** The statistic exceeds 2.7 with probability 2 exp(-2 · 2.7²) = 1e-6. */
const LIMIT = 2.7;

function drawn(b: Builder, noise: readonly NoiseSpec[], build: (noise: readonly Value[]) => Value): Float64Array {
  const inputs = noise.map((n, i) => b.input(`noise ${i}`, { shape: n.shape, dtype: "real" }));
  const x = b.cast(build(inputs), "real");
  const executable = instantiate(compileWasm(simplify(b, { inputs, outputs: [x], updates: [] })));
  const rng = stream(4, "attempts");
  noise.forEach((n, i) => {
    const array = executable.inputs[`noise ${i}`] as Float64Array;
    if (n.kind === "normal") rng.fillNormal(array);
    else if (n.kind === "uniform") rng.fillUniform(array);
    else for (let k = 0; k < array.length; k++) array[k] = rng.exponential();
  });
  executable.run();
  return executable.outputs[0].slice();
}
function byHost(d: ReturnType<typeof apply>, values: readonly number[]): Float64Array {
  const sample = hostSampler(d);
  const rng = stream(5, "host");
  const one = new Float64Array(1);
  return Float64Array.from({ length: DRAWS }, () => {
    sample?.(
      rng,
      values.map((v) => Float64Array.of(v)),
      one,
    );
    return one[0];
  });
}

describe.each(attempted)("$name", (record) => {
  const golden = record.golden.rows.map((r) => r.params as Readonly<Record<string, number>>);
  test("draws like the host", () => {
    for (const params of [...golden, ...(more[record.name] ?? [])]) {
      const b = createBuilder();
      const constants = apply(b, record, Object.fromEntries(Object.entries(params).map(([n, x]) => [n, b.constant(x)])));
      const draw = constants.attempts;
      if (!draw) throw new Error(`${record.name} lost its attempts`);
      const draws = drawn(b, draw.noise([DRAWS]), (noise) => draw.build(b, noise, [DRAWS]));
      const host = byHost(
        constants,
        Object.keys(record.params).map((n) => params[n]),
      );
      expect(compare(draws, host), JSON.stringify(params)).toBeLessThan(LIMIT);
    }
  });
});

describe.each(vectors)("$name", (record) => {
  test.each(record.golden.rows)("draws like the host: $params", (row) => {
    const b = createBuilder();
    const c = caseOf(record, row, record.name);
    const d = c.make(b);
    const draw = d.attempts;
    if (!draw) throw new Error(`${record.name} lost its attempts`);
    const shape = [DRAWS, ...c.shape];
    const draws = drawn(b, draw.noise(shape), (noise) => draw.build(b, noise, shape));
    const host = drawMany({ ...c, make: (other) => ({ ...c.make(other), draw: undefined }) }, DRAWS, stream(5, "host"));
    if (!host) throw new Error(`${record.name} has no sampler`);
    expectInside(c, draws);
    // Along elements, and along a direction in which no element lies.
    const size = c.shape[0];
    const along = (v: Float64Array, w: (k: number) => number): Float64Array =>
      Float64Array.from({ length: DRAWS }, (_, i) => c.at.reduce((s, _x, k) => s + w(k) * v[i * size + k], 0));
    for (let k = 0; k < size; k++) {
      const one = (j: number): number => (j === k ? 1 : 0);
      expect(compare(along(draws, one), along(host, one)), `element ${k}`).toBeLessThan(LIMIT);
    }
    const mixed = (j: number): number => 1 + j * j;
    expect(compare(along(draws, mixed), along(host, mixed)), "a mixture of elements").toBeLessThan(LIMIT);
  });
});

test("few integers are drawn by their probabilities", () => {
  const b = createBuilder();
  const record = distributions.get("Binomial");
  if (!record) throw new Error("no Binomial");
  const d = apply(b, record, { N: b.constant(7), theta: b.constant(0.35) });
  const draw = tableDraw(b, d);
  if (!draw) throw new Error("no table");
  const draws = drawn(b, draw.noise([DRAWS]), (noise) => draw.build(b, noise, [DRAWS]));
  expect(compare(draws, byHost(d, [7, 0.35]))).toBeLessThan(LIMIT);
});
