// r(λ | z) of a hierarchical variational model: a flow that takes λ, given z, to standard normal numbers, or a normal distribution by a network of z.
import { InternalError } from "../../runtime/errors.ts";
import { flowOf } from "../../runtime/flows/define.ts";
import { bounded } from "../../runtime/flows/iaf.ts";
import { flows } from "../../runtime/flows/index.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Assignment } from "../../runtime/target.ts";
import type { FamilyParameter } from "./approximation.ts";
import { logStandard, prefixed } from "./hyper-prior.ts";

export type ReverseKind = "planar" | "iaf" | "coupling" | "spline" | "network";
export const reverseKinds: readonly ReverseKind[] = ["iaf", "coupling", "spline", "planar", "network"];

export interface HyperReverse {
  readonly parameters: readonly FamilyParameter[];
  /** z: its features, a vector. */
  logDensity(b: Builder, p: Assignment, lambda: Value, z: Value): Value;
}
export interface ReverseOptions {
  readonly reverse: ReverseKind;
  readonly depth: number;
  readonly hidden: number;
  readonly bins: number;
}

export function hyperReverse(size: number, seen: number, o: ReverseOptions): HyperReverse {
  return o.reverse === "network" ? network(size, seen, o.hidden) : flow(size, seen, o);
}

/** The direction that a flow computes at once is from λ to the noise, so that densities cost one pass. */
function flow(size: number, seen: number, o: ReverseOptions): HyperReverse {
  const record = flows.get(o.reverse);
  if (!record) throw new InternalError(`there is no flow ${o.reverse}`);
  const f = flowOf(record, size, seen, o);
  const prefix = `reverse ${o.reverse}`;
  return {
    parameters: f.tensors.map((t) => ({ ...t, name: `${prefix} ${t.name}` })),
    logDensity(b, p, lambda, z) {
      const { to, logDet } = f.forward(b, lambda, prefixed(prefix, f.tensors, p), z);
      return b.add(logStandard(b, to), logDet);
    },
  };
}

function network(size: number, seen: number, hidden: number): HyperReverse {
  const tensor = (name: string, shape: readonly number[], scale: number): FamilyParameter => ({
    name: `reverse ${name}`,
    shape: [...shape],
    initial(rng) {
      const out = new Float64Array(shape.reduce((n, d) => n * d, 1));
      if (scale > 0) rng.fillNormal(out);
      return out.map((x) => scale * x);
    },
  });
  return {
    parameters: [
      tensor("in", [seen, hidden], 1 / Math.sqrt(seen)),
      tensor("hidden", [hidden], 0),
      tensor("out", [hidden, 2 * size], 0.01),
      tensor("past", [seen, 2 * size], 0),
      tensor("bias", [2 * size], 0),
    ],
    logDensity(b, p, lambda, z) {
      const inside = b.tanh(b.add(b.matmul(z, p["reverse in"]), p["reverse hidden"]));
      const both = b.add(b.add(b.matmul(inside, p["reverse out"]), b.matmul(z, p["reverse past"])), p["reverse bias"]);
      const logScale = bounded(b, b.slice(both, 0, size, size));
      const standard = b.mul(b.sub(lambda, b.slice(both, 0, 0, size)), b.exp(b.neg(logScale)));
      return b.sub(logStandard(b, standard), b.sum(logScale));
    },
  };
}
