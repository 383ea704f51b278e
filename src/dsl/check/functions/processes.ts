// Functions of processes in time and space: hidden Markov chains with emissions of one's own, and the scale of a map's effects.
import { ShapeError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { shapeOf } from "../../../runtime/ir/graph.ts";
import { makeLoop } from "../../../runtime/ir/loop/make.ts";
import { type AreaMap, areaMap, marginalVariances } from "../../../runtime/numeric/area-map.ts";
import { exp, log } from "../../../runtime/numeric/math.ts";
import { positive, range } from "../../ranges.ts";
import { numbersOf } from "./arrays.ts";
import { asReal, type BuiltIn, matrix, sameSize, size, sizesFit, square, vector } from "./define.ts";
import { sizeOfArgument } from "./reductions.ts";

/** log Σ over paths: α_t[k] = log ω[k, t] + log Σ_j exp(α_{t-1}[j]) Γ[j, k] (Rabiner 1989, section III A), a history of T rows. */
function forward(b: Builder, logOmega: Value, gamma: Value, rho: Value): Value {
  const [k, steps] = shapeOf(logOmega);
  const emissions = b.transpose(logOmega, [1, 0]);
  const logGamma = b.log(gamma);
  const first = b.add(b.log(rho), b.reshape(b.slice(emissions, 0, 0, 1), [k]));
  const begun = b.concat([b.reshape(first, [1, k]), b.broadcastTo(b.constant(0), [steps - 1, k])], 0);
  const [history] = makeLoop(b, {
    steps: steps - 1,
    states: [begun],
    ordinals: [Int32Array.from({ length: steps - 1 }, (_, t) => t + 1)],
    body({ states: [alpha], ordinals: [t] }) {
      const before = b.gather(alpha, b.sub(t, b.constant(1, "int")));
      const arrived = b.logSumExp(b.add(b.reshape(before, [k, 1]), logGamma), [0]);
      return {
        writes: [{ state: 0, mode: "set", rows: steps, at: t, value: b.reshape(b.add(arrived, b.gather(emissions, t)), [1, k]) }],
      };
    },
  });
  return b.logSumExp(b.slice(history, 0, steps - 1, 1));
}

/** From partial autocorrelations r to coefficients (Durbin 1960; Monahan 1984): φ[k, k] = r[k], φ[k, j] = φ[k-1, j] - r[k] φ[k-1, k-j]. */
function coefficients(b: Builder, partial: Value): Value {
  const [count] = shapeOf(partial);
  let phi: readonly Value[] = [];
  for (let k = 0; k < count; k++) {
    const r = b.reshape(b.slice(partial, 0, k, 1), []);
    const before = phi;
    phi = [...before.map((f, j) => b.sub(f, b.mul(r, before[k - 1 - j]))), r];
  }
  return b.stack(phi, 0);
}

export const processes: readonly BuiltIn[] = [
  {
    name: "ar_coefficients",
    doc: "The coefficients of the stationary autoregression with these partial autocorrelations, which are free between -1 and 1: what AR takes, wherever they are.",
    parameters: [{ ...vector("partial"), domain: range(-1, 1) }],
    result: ([partial]) => ({ dtype: "real", shape: partial.shape }),
    lower: (b, [partial]) => {
      if (shapeOf(partial)[0] === 0) throw new ShapeError("ar_coefficients needs a partial autocorrelation");
      return coefficients(b, asReal(b, partial));
    },
  },
  {
    name: "hmm_marginal",
    doc: "The log likelihood of a hidden Markov chain, its states summed out: log_omega[k, t] is the log density of what is observed at t in state k, Gamma[j, k] the probability of going from j to k, rho that of beginning in k.",
    parameters: [matrix("log_omega"), square("Gamma"), vector("rho")],
    result: ([omega, gamma, rho]) =>
      sizesFit("hmm_marginal", omega, gamma, omega.shape?.[0], gamma.shape?.[0]) ??
      sizesFit("hmm_marginal", gamma, rho, gamma.shape?.[0], rho.shape?.[0]) ?? { dtype: "real", shape: [] },
    lower: (b, [omega, gamma, rho]) => {
      sameSize("hmm_marginal", shapeOf(omega)[0], shapeOf(gamma)[0]);
      sameSize("hmm_marginal", shapeOf(gamma)[0], shapeOf(rho)[0]);
      if (shapeOf(omega)[1] === 0) throw new ShapeError("hmm_marginal needs a step at least");
      return forward(b, asReal(b, omega), asReal(b, gamma), asReal(b, rho));
    },
  },
  {
    name: "icar_scale",
    doc: "What BYM2 divides the variance of ICAR effects by: the geometric mean of their marginal variances at sigma = 1 (Riebler et al. 2016), of N areas and edges from node1 to node2.",
    parameters: [vector("node1"), vector("node2"), size("N")],
    dataOnly: true,
    result: ([from, to]) =>
      sizesFit("icar_scale", from, to, from.shape?.[0], to.shape?.[0]) ?? { dtype: "real", shape: [], range: positive },
    lower: (b, [from, to, n]) => {
      const map = areaMap(numbersOf(from, "icar_scale"), numbersOf(to, "icar_scale"), sizeOfArgument(n, "the number of areas"));
      return b.constant(geometricMean(map));
    },
  },
];

function geometricMean(map: AreaMap): number {
  const variances = marginalVariances(map);
  return exp(variances.reduce((s, v) => s + log(v) / variances.length, 0));
}
