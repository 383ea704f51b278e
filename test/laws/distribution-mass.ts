// The mass of a distribution, by whichever way its support allows: sums over integers and counts, integrals in unconstrained coordinates.
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { boundsOf, type Case, logDensities, unconstrained } from "./distribution-cases.ts";
import { integrate, integratePlane, integratePolar } from "./quadrature.ts";

export interface Mass {
  readonly mass: number;
  readonly error: number;
  /** Probabilities of sets that cover the support, and which of them a draw lies in; where draws are numbers. */
  readonly cells?: {
    readonly masses: readonly number[];
    of(x: number): number;
    /** Where each of them ends: x below or at which it and those before it lie. */
    ends(): Float64Array;
  };
}
const MOST_COUNTS = 5000;

const found = new Map<string, Mass | null>();
/** null where no way is known: more than two continuous dimensions, too many outcomes. Found once for a title. */
export function massOf(c: Case): Mass | null {
  const known = found.get(c.title);
  if (known !== undefined) return known;
  const mass = compute(c);
  found.set(c.title, mass);
  return mass;
}
function compute(c: Case): Mass | null {
  const { event, support } = c.make(createBuilder());
  if (support.constraint.discrete) return event === 0 ? sumOfIntegers(c) : sumOfCounts(c);
  const target = unconstrained(c);
  if (target.dimension === 1) {
    const { mass, error, edges, masses } = integrate(target.log, target.start[0]);
    const of = (x: number): number => {
      const u = target.unconstrain(Float64Array.of(x))[0];
      let [low, high] = [0, masses.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (u >= edges[middle]) low = middle;
        else high = middle - 1;
      }
      return low;
    };
    const ends = (): Float64Array => target.constrain(Float64Array.from(edges.slice(1)));
    return { mass, error, cells: c.shape.length === 0 ? { masses, of, ends } : undefined };
  }
  if (target.dimension === 2 && support.constraint.redraw) return integratePolar(target.log);
  return target.dimension === 2 ? integratePlane(target.log, target.logAndGradient, target.start) : null;
}

function sumOfIntegers(c: Case): Mass {
  const { lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY } = boundsOf(c);
  const masses: number[] = [];
  let first = lower;
  let total = 0;
  for (let size = 256; ; size *= 2) {
    const from = first + masses.length;
    const n = Math.min(size, upper - from + 1);
    if (n <= 0) break;
    const part = logDensities(
      c,
      Float64Array.from({ length: n }, (_, i) => from + i),
    ).map(Math.exp);
    const sum = part.reduce((s, v) => s + v, 0);
    for (const p of part) masses.push(p);
    total += sum;
    // Past the point of the case, which is inside, and a whole doubling brings nothing.
    if (from > c.at[0] && sum <= 1e-11) break;
    if (masses.length > 3e6) break;
  }
  first = lower;
  const ends = (): Float64Array => Float64Array.from(masses, (_, i) => first + i);
  return { mass: total, error: 0, cells: { masses, of: (x) => x - first, ends } };
}

/** All vectors of counts with the sum of the case's. */
function sumOfCounts(c: Case): Mass | null {
  const k = c.at.length;
  const n = c.at.reduce((s, v) => s + v, 0);
  let ways = 1;
  for (let i = 1; i < k; i++) ways *= (n + i) / i;
  if (ways > MOST_COUNTS) return null;
  const all: number[] = [];
  const fill = (prefix: readonly number[], left: number): void => {
    if (prefix.length === k - 1) all.push(...prefix, left);
    else for (let v = 0; v <= left; v++) fill([...prefix, v], left - v);
  };
  fill([], n);
  return { mass: logDensities(c, Float64Array.from(all)).reduce((s, l) => s + Math.exp(l), 0), error: 0 };
}
