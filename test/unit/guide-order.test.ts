// Guides whose draws read earlier ones (language.md rule 48): drawn in order, evaluated at once; the posterior of a chain is such a guide.
import { expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { bound, normal, total } from "./model-under-test.ts";

const [a, q, r] = [0.9, 0.7, 0.5];
/** log p of x[t] = z[t] + N(0, r²), z[t] = a z[t-1] + N(0, q²), z[1] ~ N(0, 1): the Kalman filter. */
function evidence(xs: readonly number[]): number {
  let [mean, variance] = [0, 1];
  return total(
    xs.map((x, t) => {
      if (t > 0) [mean, variance] = [a * mean, a * a * variance + q * q];
      const spread = variance + r * r;
      const density = normal(x, mean, Math.sqrt(spread));
      mean += (variance / spread) * (x - mean);
      variance *= (r * r) / spread;
      return density;
    }),
  );
}
const chain = `z[1] ~ Normal(0, 1)
for t in 2..T { z[t] ~ Normal(${a} * z[t-1], ${q}) }
for t in 1..T { x[t] ~ Normal(z[t], ${r}) }
param m: real[T], w: real[T], s: positive[T]
`;
const xs = [0.4, 1.6, 1.1, -0.3, 0.2];

const guides: readonly (readonly [string, string])[] = [
  ["by earlier elements", "z[1] ~ Normal(m[1], s[1])\nfor t in 2..T { z[t] ~ Normal(w[t] * z[t-1] + m[t], s[t]) }"],
  ["by a let between", "z[1] ~ Normal(m[1], s[1])\nfor t in 2..T { let h = w[t] * z[t-1]; z[t] ~ Normal(h + m[t], s[t]) }"],
  [
    "by an array between",
    "z[1] ~ Normal(m[1], s[1])\nfor t in 2..T { let h[t] = w[t] * z[t-1]; z[t] ~ Normal(h[t] + m[t], s[t]) }",
  ],
  ["from the end", "z[T] ~ Normal(m[T], s[T])\nfor t in T-1..1 by -1 { z[t] ~ Normal(w[t] * z[t+1] + m[t], s[t]) }"],
];
test.each(guides)("%s: the bound reaches the evidence", async (_, guide) => {
  const p = await bound(`data x: real[T]\n${chain}guide { ${guide} }`, { x: xs });
  const fit = await p.run("amortized", { seed: 1, steps: 2500, rate: 0.03, samples: 8, schedule: "cosine" });
  expect(Math.abs(fit.figures.elbo - evidence(xs)), `${fit.figures.elbo} ± ${fit.figures.elbo_se}`).toBeLessThan(
    0.01 + 4.5 * fit.figures.elbo_se,
  );
  expect(fit.figures.effective_draws).toBeGreaterThan(970);
});

test("chains in a plate", async () => {
  const data = { x: [xs, [-1, -0.2, 0.1, 0.4, 1.2], [0.3, 0.3, 0.1, -0.8, -1.4]] };
  const p = await bound(
    `data x: real[N, T]
for n in 1..N { z[n, 1] ~ Normal(0, 1); for t in 2..T { z[n, t] ~ Normal(${a} * z[n, t-1], ${q}) } }
for n in 1..N, t in 1..T { x[n, t] ~ Normal(z[n, t], ${r}) }
param m: real[N, T], w: real[T], s: positive[T]
guide {
  for n in 1..N {
    z[n, 1] ~ Normal(m[n, 1], s[1])
    for t in 2..T { z[n, t] ~ Normal(w[t] * z[n, t-1] + m[n, t], s[t]) }
  }
}`,
    data,
  );
  const fit = await p.run("amortized", { seed: 1, steps: 4000, rate: 0.03, samples: 8, schedule: "cosine" });
  const truth = total(data.x.map(evidence));
  expect(Math.abs(fit.figures.elbo - truth), `${fit.figures.elbo} ± ${fit.figures.elbo_se}, ${truth}`).toBeLessThan(
    0.02 + 4.5 * fit.figures.elbo_se,
  );
});

test("log q of the draws is that of given values, a term a statement", async () => {
  const { target } = await bound(`data x: real[T]\n${chain}guide { ${guides[1][1]} }`, { x: xs });
  const b = createBuilder();
  const rng = stream(1, "noise");
  const parameters = Object.fromEntries(
    target.parameters.map((p) => [p.name, b.tensor(new Float64Array(xs.length).fill(0.8), p.shape)]),
  );
  const noise = (_kind: string, shape: readonly number[]): Value => {
    const values = new Float64Array(shape.reduce((n, d) => n * d, 1));
    rng.fillNormal(values);
    return b.tensor(values, shape);
  };
  const drawn = target.guide?.draw(b, { noise }, { parameters });
  const given = target.guide?.terms(b, drawn?.values ?? {}, { parameters }) ?? [];
  expect(drawn?.terms.length).toBe(2);
  const [z, first, rest] = interpret([drawn?.values.z as Value, ...given.map((t) => t.value)], {});
  const expected = [...z].map((x, t) => normal(x, t === 0 ? 0.8 : 0.8 * z[t - 1] + 0.8, 0.8));
  [...first, ...rest].forEach((l, t) => {
    expect(Math.abs(l - expected[t])).toBeLessThan(1e-13 * (1 + Math.abs(expected[t])));
  });
});

test("what is too long, or depends on another loop, is said", async () => {
  const refused = (text: string, data = {}) => expect((async () => bound(text, data))()).rejects;
  await refused(
    "const T = 5000\nz[1] ~ Normal(0, 1)\nfor t in 2..T { z[t] ~ Normal(0, 1) }\nguide { z[1] ~ Normal(0, 1)\nfor t in 2..T { z[t] ~ Normal(z[t-1], 1) } }",
  ).toThrow("at most 1000 one after the other");
  await refused(
    "data k: int[N]\nfor n in 1..N { for t in 1..k[n] { z[n, t] ~ Normal(0, 1) } }\nguide { for n in 1..N { z[n, 1] ~ Normal(0, 1)\nfor t in 2..k[n] { z[n, t] ~ Normal(z[n, t-1], 1) } } }",
    { k: [2, 3] },
  ).toThrow("depends on another loop");
  await refused(
    "data x: real[T]\nz[1] ~ Normal(0, 1)\nfor t in 2..T { z[t] ~ Normal(0, 1) }\nx ~ Normal(z, 1)\nguide { z[1] ~ Normal(0, 1)\nz[2..T] ~ Normal(z[1..T-1], 1) }",
    { x: xs },
  ).toThrow("write a loop over them");
});
