// Counts with extra zeros.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { poisson as poissonDraw } from "../../runtime/numeric/samplers.ts";
import { count } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { drawByMean, logByMean } from "./negative-binomial.ts";
import { nonnegativeNumber, positiveNumber, probability } from "./params.ts";
import { poisson } from "./poisson.ts";

const extra = probability("probability of an extra zero");

/** log(π + (1 - π) e^l) at zero, log(1 - π) + l elsewhere; l is the log density without the extra zeros. */
export function inflate(b: Builder, at: Value, pi: Value, l: Value): Value {
  const rest = b.add(b.log1p(b.neg(pi)), l);
  return b.select(at, b.logAddExp(b.log(pi), rest), rest);
}

export const zeroInflatedPoisson = defineDistribution({
  name: "ZeroInflatedPoisson",
  doc: "0 with probability pi, else a Poisson(lambda).",
  params: { pi: extra, lambda: nonnegativeNumber("rate of the Poisson") },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { pi, lambda }) => inflate(b, b.eq(x, b.constant(0)), pi, poisson.logDensity(b, x, { lambda })),
  sample: (rng, { pi, lambda }, out) => {
    out[0] = rng.uniform() < pi[0] ? 0 : poissonDraw(rng, lambda[0]);
  },
  normalised: true,
  golden: { from: "", rows: [] },
});

export const zeroInflatedNegBinomial2 = defineDistribution({
  name: "ZeroInflatedNegBinomial2",
  doc: "0 with probability pi, else a NegBinomial2(mu, phi).",
  params: { pi: extra, mu: positiveNumber("mean of the negative binomial"), phi: positiveNumber("its precision") },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { pi, mu, phi }) => inflate(b, b.eq(x, b.constant(0)), pi, logByMean(b, x, mu, phi)),
  sample: (rng, { pi, mu, phi }, out) => {
    out[0] = rng.uniform() < pi[0] ? 0 : drawByMean(rng, mu[0], phi[0]);
  },
  normalised: true,
  golden: { from: "", rows: [] },
});
