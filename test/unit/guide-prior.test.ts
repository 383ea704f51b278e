// prior(z) in guides (language.md rule 49): the model's own distribution at the guide's draws, held against linear-Gaussian truth.
import { expect, test } from "vitest";
import type { Posterior } from "../../src/model.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Term } from "../../src/runtime/target.ts";
import { bound, model, normal, total } from "./model-under-test.ts";

const [a, s1, s] = [0.8, 0.6, 0.5];
const xs = [1.3, -0.4, 2.2, 0.1, -1.7];
const deep = `data x: real[N]
for n in 1..N {
  z2[n] ~ Normal(0, 1)
  let h = ${a} * z2[n]
  z1[n] ~ Normal(h, ${s1})
  x[n] ~ Normal(z1[n], ${s})
}
`;
const sum = (b: ReturnType<typeof createBuilder>, terms: readonly Term[]): Value =>
  terms.reduce((all, t) => b.add(all, b.sum(t.value)), b.constant(0));

/** log p, log q and the terms of q at one draw of the guide. */
function atDraw({ target }: Posterior, seed: number) {
  const b = createBuilder();
  const rng = stream(seed, "noise");
  const drawn = target.guide?.draw(b, {
    noise: (kind, shape) => {
      const values = new Float64Array(shape.reduce((n, d) => n * d, 1));
      if (kind === "normal") rng.fillNormal(values);
      else if (kind === "uniform") rng.fillUniform(values);
      else values.forEach((_, i) => (values[i] = rng.exponential()));
      return b.tensor(values, shape);
    },
  });
  if (!drawn) throw new Error("there is no guide");
  const p = target.terms(b, drawn.values);
  const again = target.guide?.terms(b, drawn.values) ?? [];
  const value = (v: Value): Float64Array => interpret([v], {})[0];
  return {
    logP: value(sum(b, p))[0],
    logQ: value(sum(b, drawn.terms))[0],
    same: value(sum(b, again))[0],
    prior: (site: string) =>
      value(
        sum(
          b,
          p.filter((t) => t.site === site && t.role === "prior"),
        ),
      )[0],
    guide: (site: string) =>
      value(
        sum(
          b,
          drawn.terms.filter((t) => t.site === site),
        ),
      )[0],
    values: Object.fromEntries(Object.entries(drawn.values).map(([name, v]) => [name, value(v)])),
  };
}

/** What differs by rounding alone. */
const close = (x: number, y: number): void => expect(Math.abs(x - y)).toBeLessThan(1e-12 * (1 + Math.abs(y)));

const restated: readonly (readonly [string, string])[] = [
  ["by elements", "for n in 1..N { z2[n] ~ Normal(x[n], 1); z1[n] ~ prior(z1[n]) }"],
  ["by the name alone, in a loop", "for n in 1..N { z2[n] ~ Normal(x[n], 1); z1[n] ~ prior(z1) }"],
  ["as a whole", "z2 ~ Normal(x, 1)\nz1 ~ prior(z1)"],
  ["element after element, backwards", "z2 ~ Normal(x, 1)\nfor n in N..1 by -1 { z1[n] ~ prior(z1) }"],
  ["in parts", "z2 ~ Normal(x, 1)\nz1[N - 1..N] ~ prior(z1)\nfor n in 1..N - 2 { z1[n] ~ prior(z1[n]) }"],
];
test.each(restated)("log q is the model's log prior: %s", async (_, guide) => {
  const p = await bound(`${deep}guide { ${guide} }`, { x: xs });
  const { prior, guide: own, logQ, same } = atDraw(p, 3);
  close(own("z1"), prior("z1"));
  close(logQ, same);
});

test("rows of matrices, vectors as one, integers, truncation", async () => {
  const p = await bound(
    `tau: positive ~ Normal(0, 1)
w ~ Dirichlet([2, 3, 4])
v: real[3, 2] ~ Normal(0, tau)
for i in 1..3 { u[i]: real[2] ~ MultiNormal([tau, v[i, 1]], I(2)); k[i] ~ Categorical(w) }
guide {
  tau ~ LogNormal(0, 1); w ~ prior(w)
  for i in 1..3, j in 1..2 { v[i, j] ~ prior(v) }
  for i in 1..3 { u[i] ~ prior(u); k[i] ~ prior(k) }
}`,
  );
  const { prior, guide } = atDraw(p, 1);
  for (const name of ["w", "v", "u", "k"]) close(guide(name), prior(name));
  const q = await bound("tau: positive ~ Normal(0, 1)\ny ~ Normal(0, tau)\nguide { tau ~ prior(tau); y ~ prior(y) }");
  const all = atDraw(q, 1);
  close(all.logQ, all.logP);
  expect(all.values.tau[0]).toBeGreaterThan(0);
});

/** log N(x; 0, a² + s1² + s²), summed. */
const evidence = total(xs.map((x) => normal(x, 0, Math.sqrt(a * a + s1 * s1 + s * s))));

test("a ladder: the prior's precision joined to that of the data is the posterior", async () => {
  // z2 | x ~ N(a x / V, 1 - a² / V), V the variance of x; z1 | z2, x between the prior and x (Sønderby et al. 2016, eq. 10-11).
  const variance = a * a + s1 * s1 + s * s;
  const [inner, outer] = [1 / (s1 * s1), 1 / (s * s)];
  const p = await bound(
    `${deep}guide {
  for n in 1..N {
    z2[n] ~ Normal(${a / variance} * x[n], ${Math.sqrt(1 - (a * a) / variance)})
    let m = quantile(prior(z1[n]), 0.5)
    z1[n] ~ Normal((m * ${inner} + x[n] * ${outer}) / ${inner + outer}, ${Math.sqrt(1 / (inner + outer))})
  }
}`,
    { x: xs },
  );
  for (const seed of [1, 2, 3]) {
    const { logP, logQ } = atDraw(p, seed);
    close(logP - logQ, evidence);
  }
});

test.each([{}, { batch: 2 }])("a fit with z1 from its prior reaches its best bound, %o", async (options) => {
  const p = await bound(
    `${deep}param m: real, v: positive
guide { for n in 1..N { z2[n] ~ Normal(m * x[n], v); z1[n] ~ prior(z1) } }`,
    { x: xs },
  );
  const fit = await p.run("amortized", { seed: 1, steps: 3000, rate: 0.02, samples: 8, schedule: "cosine", ...options });
  // E log N(x; z1, s) - KL(q(z2) ‖ N(0, 1)) is greatest where q(z2) has precision 1 + a²/s² and mean a x / s² over it.
  const precision = 1 + (a * a) / (s * s);
  const best = total(
    xs.map((x) => {
      const mean = (a * x) / (s * s) / precision;
      const spread = (x - a * mean) ** 2 + s1 * s1 + (a * a) / precision;
      const rate = 0.5 * (1 / precision + mean * mean - 1 + Math.log(precision));
      return -0.5 * Math.log(2 * Math.PI * s * s) - spread / (2 * s * s) - rate;
    }),
  );
  expect(best).toBeLessThan(evidence);
  expect(Math.abs(fit.figures.elbo - best), `${fit.figures.elbo} ± ${fit.figures.elbo_se}, best ${best}`).toBeLessThan(
    0.01 + 4.5 * fit.figures.elbo_se,
  );
});

test("the model's parameters are the guide's too", async () => {
  const { target } = await bound(
    "param b: real\nz2 ~ Normal(0, 1)\nz1 ~ Normal(b * z2, 1)\nguide { z2 ~ Normal(0, 1); z1 ~ prior(z1) }",
  );
  expect(target.parameters.map((p) => p.readBy)).toEqual(["both"]);
});

const refused: readonly (readonly [string, string, string])[] = [
  [
    "undrawn",
    `${deep}guide { z1 ~ prior(z1)\nz2 ~ Normal(0, 1) }`.replace("data x: real[N]", "const N = 2"),
    "reads z2, which the guide has not drawn yet",
  ],
  [
    "a chain",
    "z[1] ~ Normal(0, 1)\nz[2] ~ Normal(z[1], 1)\nguide { z[1] ~ prior(z)\nz[2] ~ prior(z) }",
    "reads other elements of z",
  ],
  ["outside", "z ~ Normal(0, 1)\ny ~ prior(z)", "prior(…) stands outside of a guide"],
  ["no latent", "z ~ Normal(0, 1)\nguide { z ~ prior(q) }", "prior takes one latent variable"],
  [
    "two statements",
    "for i in 1..2 { z[2 * i] ~ Normal(0, 1) }\nfor i in 1..2 { z[2 * i - 1] ~ Normal(1, 1) }\nguide { z ~ prior(z) }",
    "no single statement",
  ],
  ["ordered", "t: ordered[2] ~ Normal(0, 1)\nguide { t ~ prior(t) }", "t is an increasing vector"],
];
test.each(refused)("%s", async (_, text, message) => {
  await expect((async () => model(text.replace(/x\[n\] ~ .*/u, "")).bind({}))()).rejects.toThrow(message);
});
