// Hierarchical variational models, and mean fields of discrete latents, on posteriors whose evidence is known.
import { describe, expect, test } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { boundOf } from "../../src/inference/vi/bound.ts";
import { type HierarchicalOptions, hierarchical, hierarchicalLaw } from "../../src/inference/vi/hierarchical.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { weigh } from "../../src/inference/vi/weights.ts";
import { vectorize } from "../../src/runtime/ir/batch.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { bound } from "./model-under-test.ts";

const correlated = "z: real[2] ~ MultiNormal([0, 0], [[1, 0.9], [0.9, 1]])";
/** The gap of the best mean field: -½ log(1 - 0.9²). */
const GAP = -0.5 * Math.log(1 - 0.81);
const opposed = "a ~ Bernoulli(0.5)\nb ~ Bernoulli(0.5)\nfactor(a + b == 1 ? log(2) : -8)";
const OPPOSED_EVIDENCE = Math.log1p(0.5 * Math.exp(-8));
/** The bound that a fit reports is a mean of draws, with an error that it reports beside it. */
const ERRORS = 4.5;
const near = (fit: Fit, elbo: number): void => {
  expect(Math.abs(fit.figures.elbo - elbo)).toBeLessThan(ERRORS * fit.figures.elbo_se);
};

describe("two correlated normal numbers", () => {
  test("the mean field's gap", async () => {
    const p = await bound(correlated);
    near(await p.run("meanfield", { seed: 1, draws: 20000 }), -GAP);
  });

  test.each(["planar", "mixture"])("the gap closes: %s", async (prior) => {
    const p = await bound(correlated);
    const fit = await p.run("hierarchical", { seed: 1, prior, steps: 2000, rate: 0.02 });
    expect(fit.figures.elbo).toBeGreaterThan(-0.1);
    expect(fit.figures.elbo).toBeLessThan(ERRORS * fit.figures.elbo_se);
  });

  test("so it does by aux and reverse in a guide", async () => {
    const p = await bound(`${correlated}
param A: real[2, 2], s: positive = 0.5, C: real[2, 2], t: positive[2]
guide {
  aux lambda: real[2] ~ Normal(0, 1)
  z ~ Normal(A @ lambda, s)
}
reverse { lambda ~ Normal(C @ z, t) }`);
    for (const engine of ["hierarchical", "amortized"]) {
      const fit = await p.run(engine, { seed: 1, steps: 4000, rate: 0.01, samples: 8 });
      expect(fit.figures.elbo, engine).toBeGreaterThan(-0.1);
      expect(fit.figures.elbo, engine).toBeLessThan(ERRORS * fit.figures.elbo_se);
    }
  });
});

/** ELBO and hierarchical ELBO of a fit to `opposed`: z by enumeration, λ by the trapezoidal rule over the noise that it is made of. */
async function exactBounds(
  valuesOf: (name: string) => Float64Array,
  o: HierarchicalOptions,
): Promise<{ readonly elbo: number; readonly hierarchical: number }> {
  const { target } = await bound(opposed);
  const law = hierarchicalLaw(target, o);
  const b = createBuilder();
  const p = Object.fromEntries(law.parameters.map((q) => [q.name, b.tensor(valuesOf(q.name), [...q.shape])]));
  const [edge, step] = [7, 0.1];
  const count = Math.round((2 * edge) / step) + 1;
  const grid = Float64Array.from({ length: 2 * count * count }, (_, k) => {
    const at = k % 2 === 0 ? Math.floor(k / 2 / count) : Math.floor(k / 2) % count;
    return at * step - edge;
  });
  const one = b.input("one", { shape: [2], dtype: "real" });
  const all = b.input("all", { shape: [count * count, 2], dtype: "real" });
  const { lambda } = law.prior.draw(b, { noise: () => one }, p);
  const at = law.given(b, p, lambda);
  const states = [0, 1, 2, 3].map((k) => [k & 1, k >> 1]);
  const logR = states.map((z) =>
    law.reverse.logDensity(
      b,
      p,
      lambda,
      law.features(
        b,
        undefined,
        z.map((x) => b.constant(x, "int")),
      ),
    ),
  );
  const outputs = [law.prior.logDensity(b, p, lambda, "drawn").lambda, at.tables[0], at.tables[1], ...logR];
  const { values } = vectorize(b, outputs, new Map([[one, all]]), count * count);
  const executable = instantiate(compileWasm(simplify(b, { inputs: [all], outputs: values as Value[], updates: [] })));
  executable.inputs.all.set(grid);
  executable.run();
  const [logPrior, first, second, ...reverse] = executable.outputs;
  const logP = states.map(([x, y]) => Math.log(0.25) + (x + y === 1 ? Math.log(2) : -8));
  const q = states.map(() => 0);
  let hierarchical = 0;
  for (let g = 0; g < count * count; g++) {
    const weight = (step * step * Math.exp(-0.5 * (grid[2 * g] ** 2 + grid[2 * g + 1] ** 2))) / (2 * Math.PI);
    states.forEach(([x, y], k) => {
      const logQ = first[2 * g + x] + second[2 * g + y];
      q[k] += weight * Math.exp(logQ);
      hierarchical += weight * Math.exp(logQ) * (logP[k] + reverse[k][g] - logQ - logPrior[g]);
    });
  }
  return { hierarchical, elbo: q.reduce((s, x, k) => s + x * (logP[k] - Math.log(x)), 0) };
}

describe("two opposed bits", () => {
  test("the best mean field holds one of them: the divergence is log 2", async () => {
    const p = await bound(opposed);
    const fit = await p.run("meanfield", { seed: 1, steps: 6000 });
    // Where equal bits were impossible it would be a corner, at which all draws are alike.
    expect(Math.abs(fit.figures.elbo + Math.log(2))).toBeLessThan(ERRORS * fit.figures.elbo_se + 0.005);
    const ones = fit.draws("a").values.reduce((n, x) => n + x, 0) / 1000;
    expect(Math.abs(ones - 0.5)).toBeGreaterThan(0.48);
  });

  test.each([
    { prior: "planar", reverse: "iaf" },
    { prior: "mixture", reverse: "network" },
  ] as const)("hierarchical ELBO <= ELBO <= log p, and close: %j", async (kinds) => {
    const p = await bound(opposed);
    const options = { ...kinds, steps: 8000 };
    const fit = await p.run("hierarchical", { seed: 1, ...options });
    expect(fit.figures.elbo).toBeGreaterThan(OPPOSED_EVIDENCE - 0.1);
    const [a, b] = [fit.draws("a").values, fit.draws("b").values];
    const opposite = a.reduce((n, x, i) => n + Number(x + b[i] === 1), 0) / a.length;
    expect(opposite).toBeGreaterThan(0.98);
    // Pinsker: q(a) is off by at most the root of half the divergence, which the bound's gap bounds; and the error of a share.
    const gap = Math.max(0, OPPOSED_EVIDENCE - fit.figures.elbo + ERRORS * fit.figures.elbo_se);
    const share = a.reduce((n, x) => n + x, 0) / a.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(Math.sqrt(gap / 2) + ERRORS * Math.sqrt(0.25 / a.length));
    if (kinds.prior === "mixture") return;
    const sizes = { depth: 3, hidden: 8, bins: 8, components: 8, dimension: 0 };
    const { elbo, hierarchical } = await exactBounds(
      (name) => fit.learnt.find((l) => l.owner === "family" && l.name === name)?.values ?? new Float64Array(),
      { ...kinds, ...sizes },
    );
    near(fit, hierarchical);
    expect(hierarchical).toBeLessThan(elbo);
    expect(elbo).toBeLessThan(OPPOSED_EVIDENCE);
    expect(hierarchical).toBeGreaterThan(OPPOSED_EVIDENCE - 0.1);
  });
});

describe("discrete latents that are independent given the data", () => {
  const mixture = `data y: real[N]
const mu = [-1, 0.5, 3]
for n in 1..N {
  k[n] ~ Categorical([0.2, 0.5, 0.3])
  y[n] ~ Normal(mu[k[n]], 1.2)
}`;
  const y = [-2, 0.1, 0.9, 2.2, 4];
  const posterior = y.map((x) => {
    const weights = [-1, 0.5, 3].map((m, k) => [0.2, 0.5, 0.3][k] * Math.exp(-0.5 * ((x - m) / 1.2) ** 2));
    const total = weights.reduce((s, w) => s + w, 0);
    return { weights: weights.map((w) => w / total), evidence: Math.log(total / (1.2 * Math.sqrt(2 * Math.PI))) };
  });
  const evidence = posterior.reduce((s, p) => s + p.evidence, 0);
  const byGuide = `param logits: real[N, 3]
guide { for n in 1..N { k[n] ~ CategoricalLogit(logits[n]) } }`;

  test.each([
    { engine: "meanfield", text: mixture.replace("const mu = [-1, 0.5, 3]", "let mu = [-1, 0.5, 3]") },
    { engine: "hierarchical", text: `${mixture.replace("const mu", "let mu")}\n${byGuide}` },
    { engine: "amortized", text: `${mixture.replace("const mu", "let mu")}\n${byGuide}` },
  ])("$engine finds their probabilities", async ({ engine, text }) => {
    const p = await bound(text, { y });
    const fit = await p.run(engine, { seed: 2, steps: 4000, rate: 0.02, samples: 10, draws: 4000, schedule: "cosine" });
    // Where q is the posterior, all weights are the evidence.
    expect(Math.abs(fit.figures.elbo - evidence)).toBeLessThan(0.01);
    const { values } = fit.draws("k");
    posterior.forEach(({ weights }, n) => {
      for (let k = 1; k <= 3; k++) {
        let share = 0;
        for (let i = n; i < values.length; i += y.length) share += Number(values[i] === k) / 4000;
        expect(Math.abs(share - weights[k - 1])).toBeLessThan(0.02 + 4.5 * Math.sqrt(0.25 / 4000));
      }
    });
  });

  test("minibatches of the plate of the guide", async () => {
    const p = await bound(`${mixture.replace("const mu", "let mu")}\n${byGuide}`, { y });
    const fit = await p.run("amortized", { seed: 3, steps: 6000, rate: 0.02, samples: 10, batch: 2, schedule: "cosine" });
    expect(fit.figures.elbo).toBeGreaterThan(evidence - 0.1);
    expect(fit.notes.join()).toContain("gradients of k: score function, Rao-Blackwellised");
  });
});

test("gradients are those of the hierarchical bound, by enumeration and quadrature", async () => {
  const o = { prior: "planar", reverse: "network", depth: 1, hidden: 2, bins: 2, components: 2, dimension: 0 } as const;
  // Counted from 1, so that a value is not its place in the table.
  const { target } = await bound(opposed.replaceAll("Bernoulli(0.5)", "Categorical([0.5, 0.5])").replace("== 1", "== 3"));
  const family = hierarchical(target, { position: new Float64Array(0), scale: new Float64Array(0) }, o);
  const rng = stream(5, "parameters");
  const at = Object.fromEntries(family.parameters.map((q) => [q.name, q.initial(rng).map((x) => x + rng.normal())]));
  const b = createBuilder();
  const noise = new Noise(b);
  const p = Object.fromEntries(family.parameters.map((q) => [q.name, b.input(q.name, { shape: q.shape, dtype: "real" })]));
  const draws = 64;
  const w = weigh(b, target, family, noise, { target: {}, family: p }, { draws });
  const { objective } = boundOf(b, w, { objective: "elbo", draws });
  const moved = ["centre of q", "map of λ"];
  const outputs = gradient(
    b,
    objective,
    moved.map((name) => p[name]),
  );
  const inputs = Object.values(p);
  const executable = instantiate(
    compileWasm(simplify(b, { inputs: [...inputs, ...noise.inputsOf(outputs)], outputs, updates: [] })),
  );
  for (const [name, values] of Object.entries(at)) executable.inputs[name]?.set(values);
  const fill = noise.filler(executable);
  const RUNS = 4000;
  const sums = outputs.map((v) => shapeOf(v).reduce((n, d) => n * d, 1)).map((n) => [new Float64Array(n), new Float64Array(n)]);
  for (let run = 0; run < RUNS; run++) {
    fill(rng);
    executable.run();
    executable.outputs.forEach((g, k) => {
      g.forEach((x, i) => {
        sums[k][0][i] += x / RUNS;
        sums[k][1][i] += (x * x) / RUNS;
      });
    });
  }
  const h = 1e-4;
  for (const [k, name] of moved.entries())
    for (const i of [0, 1, 3]) {
      const bounds = [h, -h].map(async (d) => {
        const values = { ...at, [name]: at[name].map((x, j) => (j === i ? x + d : x)) };
        return (await exactBounds((q) => values[q], o)).hierarchical;
      });
      const [up, down] = await Promise.all(bounds);
      const [mean, square] = [sums[k][0][i], sums[k][1][i]];
      const error = Math.sqrt((square - mean * mean) / RUNS);
      expect(Math.abs(mean - (up - down) / (2 * h)), `${name} ${i}: ${mean}`).toBeLessThan(ERRORS * error + 1e-6);
      expect(error).toBeLessThan(0.1);
    }
});

test("draws of discrete latents are held responsible for the reverse too", async () => {
  const { target } = await bound("a ~ Bernoulli(0.5)\nb ~ Categorical([0.2, 0.8])\nfactor(a + b == 2 ? 1 : 0)");
  const b = createBuilder();
  const sizes = { depth: 1, hidden: 2, bins: 2, components: 2, dimension: 0 };
  const family = hierarchical(
    target,
    { position: new Float64Array(0), scale: new Float64Array(0) },
    {
      prior: "mixture",
      reverse: "network",
      ...sizes,
    },
  );
  const p = Object.fromEntries(family.parameters.map((q) => [q.name, b.input(q.name, { shape: q.shape, dtype: "real" })]));
  const { values, reverse = [] } = family.draw(b, new Noise(b), { target: {}, family: p }, {});
  for (const name of ["a", "b"])
    expect(
      reverse.some((t) => nodesOf([t.value]).includes(values[name].node)),
      name,
    ).toBe(true);
  // Names of tensors and auxiliary variables are none that a model may have.
  for (const { name } of family.parameters) expect(name).toContain(" ");
});

test.each(["planar", "mixture"])("latents may have the letters of the theory for their names: %s", async (prior) => {
  const p = await bound("data y: int[N]\nλ ~ Gamma(2, 1)\ncomponent ~ Gamma(2, 1)\ny ~ Poisson(λ + component)", { y: [2, 5, 1] });
  const fit = await p.run("hierarchical", { seed: 1, steps: 20, prior, depth: 1, samples: 2 });
  expect(fit.summary().map((r) => r.name)).toEqual(["λ", "component"]);
  expect(fit.draws("λ").values.every((v) => v > 0)).toBe(true);
});

test("minibatches of discrete latents that the reverse sees all of are refused", async () => {
  const p = await bound("data y: real[N]\nfor n in 1..N { k[n] ~ Bernoulli(0.3)\n y[n] ~ Normal(k[n], 1) }", { y: [1, 2, 0] });
  await expect(p.run("hierarchical", { seed: 1, steps: 5, batch: 2 })).rejects.toThrow(
    "a term that is of no row of N reads k of all rows of it",
  );
});

test("epochs count steps without a guide too; rows of a guide that is not there are not judged", async () => {
  const text = "data y: real[N]\nfor n in 1..N { z[n] ~ Normal(0, 1)\n y[n] ~ Normal(z[n], 1) }";
  const p = await bound(text, { y: [1, 2, 0, 1] });
  const usual = { seed: 1, depth: 1, samples: 2, draws: 50 };
  expect((await p.run("hierarchical", { ...usual, epochs: 7 })).steps).toBe(7);
  expect((await p.run("hierarchical", { ...usual, epochs: 7, batch: 2 })).steps).toBe(14);
  await expect(p.run("hierarchical", { ...usual, judged: 5 })).rejects.toThrow(
    "--judged judges a guide row by row, and test has none",
  );
});

test("what has no table is said", async () => {
  const p = await bound("k ~ Poisson(3)");
  await expect(p.run("meanfield", { seed: 1 })).rejects.toThrow("k (k ~ Poisson(3)) has no greatest or least value");
  await expect(p.run("hierarchical", { seed: 1 })).rejects.toThrow(
    "Bound it, k: int<0, 50> ~ …, or give it a distribution in a guide",
  );
  await expect(p.run("nuts", { seed: 1 })).rejects.toThrow("nuts needs discrete latent variables summed out");
});
