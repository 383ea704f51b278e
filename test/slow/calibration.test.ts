// Simulation-based calibration of NUTS (Talts et al. 2018): over draws of the prior and data simulated from them, the rank of
// the true value among independent draws of the posterior is uniform.
import { expect, test } from "vitest";
import type { DataInput } from "../../src/dsl/data/from-javascript.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { type DataObject, type Model, modelOf } from "../../src/model.ts";
import { poisson } from "../../src/runtime/numeric/discrete-samplers.ts";
import { exp } from "../../src/runtime/numeric/math.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Rng } from "../../src/runtime/numeric/rng.ts";

const REPLICATIONS = 1000;
const BINS = 20;
/** Kept draws: one less than a multiple of the bins, so that all bins hold as many ranks. */
const KEPT = 5 * BINS - 1;
/** Transitions from one kept draw to the next, enough to forget. */
const THIN = 10;
/** Of one parameter's chi-square test, for a right sampler. */
const FALSE_ALARM = "1e-4";
/** Upper quantile of chi-square at that probability by Wilson and Hilferty's cube: exact to 0.3 % here. */
const LIMIT = (() => {
  const freedom = BINS - 1;
  const z = 3.719;
  const spread = 2 / (9 * freedom);
  const root = 1 - spread + z * Math.sqrt(spread);
  return freedom * root * root * root;
})();

interface Study {
  readonly name: string;
  readonly text: string;
  readonly sizes?: DataObject;
  /** A joint draw, made without the model: parameters by their names in the summary, and data. Absent: the model itself is read forwards, on `sizes`. */
  simulate?(rng: Rng): { readonly truth: Readonly<Record<string, number>>; readonly data: DataObject };
}

const studies: readonly Study[] = [
  {
    name: "mean and scale of a normal",
    text: "data y: real[N]\nmu ~ Normal(1, 2)\nsigma ~ Exponential(1)\ny ~ Normal(mu, sigma)",
    simulate(rng) {
      const mu = 1 + 2 * rng.normal();
      const sigma = rng.exponential();
      return { truth: { mu, sigma }, data: { y: Array.from({ length: 6 }, () => mu + sigma * rng.normal()) } };
    },
  },
  {
    name: "counts in groups, non-centred",
    text: `data y: int<0,>[J]
mu ~ Normal(1, 1)
tau ~ HalfNormal(1)
theta: real[J] ~ noncentered Normal(mu, tau)
y ~ PoissonLog(theta)`,
    simulate(rng) {
      const mu = 1 + rng.normal();
      const tau = Math.abs(rng.normal());
      const theta = Array.from({ length: 4 }, () => mu + tau * rng.normal());
      const named = Object.fromEntries(theta.map((t, j) => [`theta[${j + 1}]`, t]));
      return { truth: { mu, tau, ...named }, data: { y: theta.map((t) => poisson(rng, exp(t))) } };
    },
  },
  {
    name: "an autoregression, read forwards by the model",
    text: `data y: real[T]
a ~ Uniform(-1, 1)
sigma ~ Exponential(1)
y[1] ~ Normal(0, 1)
for t in 2..T { y[t] ~ Normal(a * y[t-1], sigma) }`,
    sizes: { T: 8 },
  },
];

/** A joint draw by the model itself: that it has the law of the density is what the ranks show. */
async function forwards(model: Model, sizes: DataObject, seed: number): Promise<ReturnType<NonNullable<Study["simulate"]>>> {
  const made = await model.simulate(sizes, { seed });
  const truth = [...made.latents()].map(([name, { values }]): [string, number] => [name, values[0]]);
  const data = [...made.data()].map(([name, { shape, values }]): [string, DataInput] => [
    name,
    { shape, values: Float64Array.from(values) },
  ]);
  return { truth: Object.fromEntries(truth), data: Object.fromEntries(data) };
}

for (const { name, text, simulate, sizes = {} } of studies)
  test(`${name}: ranks are uniform (false alarm ${FALSE_ALARM} a parameter)`, async () => {
    const source = { name: "calibration", text };
    const model = modelOf("calibration", [source], parseModel(source, 0));
    const counts = new Map<string, number[]>();
    for (let i = 0; i < REPLICATIONS; i++) {
      const { truth, data } = simulate ? simulate(stream(7, `replication ${i}`)) : await forwards(model, sizes, i);
      const posterior = await model.bind(data);
      const fit = await posterior.run("nuts", {
        chains: 1,
        seed: i,
        warmup: 500,
        draws: KEPT * THIN,
        thin: THIN,
        threads: 1,
        targetAccept: 0.9,
      });
      for (const [parameter, value] of Object.entries(truth)) {
        const rank = drawsOf(fit.draws(nameOf(parameter)).values, parameter).reduce((below, x) => below + (x < value ? 1 : 0), 0);
        const own = counts.get(parameter) ?? new Array<number>(BINS).fill(0);
        own[Math.floor((rank * BINS) / (KEPT + 1))]++;
        counts.set(parameter, own);
      }
    }
    const statistics = [...counts].map(([parameter, own]) => ({ parameter, chiSquare: chiSquare(own) }));
    console.log(
      `${name}: chi-square ${statistics.map((s) => `${s.parameter} ${s.chiSquare.toFixed(1)}`).join(", ")}; limit ${LIMIT.toFixed(1)}`,
    );
    expect(statistics.filter((s) => !(s.chiSquare < LIMIT))).toEqual([]);
  });

function chiSquare(counts: readonly number[]): number {
  const expected = REPLICATIONS / BINS;
  return counts.reduce((sum, count) => sum + ((count - expected) * (count - expected)) / expected, 0);
}

const nameOf = (parameter: string): string => parameter.replace(/\[.*/, "");
/** The draws of one element of a vector, or all of a scalar. */
function drawsOf(values: Float64Array, parameter: string): Float64Array {
  const element = /\[(\d+)\]/.exec(parameter);
  if (element === null) return values;
  const size = values.length / KEPT;
  return Float64Array.from({ length: KEPT }, (_, i) => values[i * size + Number(element[1]) - 1]);
}
