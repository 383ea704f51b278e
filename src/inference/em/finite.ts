// The E-step with discrete latents: every value that those of a row can take, with its probability given the data, and within each the posterior
// of the continuous latents of the row, in which the log joint is quadratic.
import { exp, logSumExp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import type { Failure } from "../engine.ts";
import { type Blocks, blocksByPlate, type Gradient, shapeOf } from "./blocks.ts";
import type { EStep, LatentExpectation } from "./e-step.ts";
import { gaussianPosterior } from "./gaussian.ts";
import { maximize } from "./iterate.ts";
import { compileMixed, type MixedJoint } from "./mixed.ts";

/** Values that the discrete latents of a row may take together. */
const MOST_VALUES = 1000;

interface Enumeration {
  readonly rows: number;
  readonly plate?: string;
  /** One vector z for each value: that of every row. */
  readonly values: readonly Float64Array[];
  /** Whether a row may take it. */
  readonly possible: readonly Uint8Array[];
}
/** A weighted point of the posterior. */
interface Point {
  readonly u: Float64Array;
  readonly z: Float64Array;
  /** By row. */
  readonly weights: Float64Array;
}
export interface FiniteExpectation extends LatentExpectation {
  /** By value of the discrete latents: its probability in each row. */
  readonly responsibilities: readonly Float64Array[];
  /** By value: means of the continuous latents given it. */
  readonly means: readonly Float64Array[];
}

export async function finiteStep(target: Target, theta: Float64Array, rng: Rng): Promise<EStep<FiniteExpectation> | Failure> {
  const found = enumerate(target);
  if ("reason" in found) return found;
  const joint = await compileMixed(target, found.plate, found.rows);
  const refusal = lookAt(target, joint, found, theta, rng);
  if (refusal) {
    joint.dispose();
    return refusal;
  }
  const blocks = target.dimension === 0 ? [] : blocksByPlate(target);
  const at = (x: Float64Array, before?: FiniteExpectation) => expectationAt(target, joint, found, blocks, x, before?.means);
  return {
    starts: 10,
    normalised: joint.normalised,
    at,
    begin: (x, start) => broken(joint, found, at, x, start, rng.split(`responsibilities ${start}`)),
    penalty: (x) => joint.penalty(x),
    dispose: () => joint.dispose(),
  };
}

function enumerate(target: Target): Enumeration | Failure {
  const { discrete, dimension, width } = target;
  const names = discrete.map((s) => s.name).join(", ");
  const plates = new Set(discrete.map((s) => s.plates[0]?.name));
  const plate = plates.size === 1 ? discrete[0].plates[0] : undefined;
  const rows = plate?.size ?? 1;
  const endless = discrete.find((s) => ![...s.lower, ...s.upper].every(Number.isFinite));
  if (endless)
    return {
      reason: `${endless.name} (${endless.statement}) has no last value, and em goes through all of them: give it bounds, int<0, 50>`,
    };
  // Elements of one row, with their least and greatest values over all rows.
  const elements = discrete.flatMap((s) => {
    const size = s.size / rows;
    return Array.from({ length: size }, (_, j) => {
      const at = Array.from({ length: rows }, (_, r) => r * size + j);
      const low = at.reduce((least, i) => Math.min(least, s.lower[i]), Number.POSITIVE_INFINITY);
      const high = at.reduce((most, i) => Math.max(most, s.upper[i]), Number.NEGATIVE_INFINITY);
      return { slot: s, at, low, high };
    });
  });
  const count = elements.reduce((n, { low, high }) => n * Math.max(0, high - low + 1), 1);
  if (count > MOST_VALUES)
    return {
      reason: `${names} may take ${count > 1e15 ? "more values together than can be counted" : `${count} values together`}${plate ? ` in each row of ${plate.name}` : ""}, and em goes through all of them: at most ${MOST_VALUES}. Fewer values, a plate in which their rows are independent, or nuts with a mixture(…)`,
    };
  const values: Float64Array[] = [];
  const possible: Uint8Array[] = [];
  for (let c = 0; c < count; c++) {
    const z = new Float64Array(width - dimension);
    const fits = new Uint8Array(rows).fill(1);
    let rest = c;
    for (const { slot, at, low, high } of elements) {
      const span = high - low + 1;
      const value = low + (rest % span);
      rest = (rest - (rest % span)) / span;
      at.forEach((i, r) => {
        const inside = value >= slot.lower[i] && value <= slot.upper[i];
        if (!inside) fits[r] = 0;
        z[slot.offset - dimension + i] = inside ? value : slot.lower[i];
      });
    }
    values.push(z);
    possible.push(fits);
  }
  return { rows, ...(plate ? { plate: plate.name } : {}), values, possible };
}

/** Whether rows are independent, and the log joint quadratic in continuous latents of the rows, whatever the discrete ones are. */
function lookAt(target: Target, joint: MixedJoint, e: Enumeration, theta: Float64Array, rng: Rng): Failure | undefined {
  const n = target.dimension;
  const names = target.discrete.map((s) => s.name).join(", ");
  const near = theta.map((x) => x + 0.3 * rng.normal());
  const u = new Float64Array(n);
  rng.fillNormal(u);
  const unused = new Float64Array(n);
  const blocks = blocksByPlate(target);
  if (n > 0) {
    if (blocks.length > 1 || blocks[0].plate !== e.plate)
      return {
        reason: `${names} ${e.plate ? `stand in the plate ${e.plate}` : "stand in no plate"}, and other latents do not: em needs all latents of such a model in one plate, or the others as params`,
      };
    for (const z of [e.values[0], e.values[e.values.length - 1]]) {
      const own = new Float64Array(e.rows);
      const gradient: Gradient = (at, out) => joint.inLatents(near, at, z, own, out);
      const { crooked, separate } = shapeOf(n, blocks, gradient, rng);
      // What belongs to no row is none of a row's latents either.
      const rest = [u, u.map((x) => x + rng.normal())].map((at) => joint.inLatents(near, at, z, own, unused));
      if (crooked.size > 0 || !separate || Math.abs(rest[1] - rest[0]) > 1e-9 * (1 + Math.abs(rest[0])))
        return {
          reason: `given the params and ${names}, the log joint is not quadratic in the continuous latents, row by row, so that its integral is not known exactly. Learn them too, as params, or use meanfield`,
        };
    }
  }
  if (!dependsAcrossRows(target, joint, e, near, u, rng)) return undefined;
  return {
    reason: `${names} of one row of ${e.plate} depend${target.discrete.length > 1 ? "" : "s"} on those of another, and em goes through the values of each row alone: a chain of discrete latents is not built yet`,
  };
}

/** Random values of all rows that are looked at: a row may depend on another at some of them only. */
const LOOKS = 4;

/** Whether a row's value, or what belongs to no row, changes with the discrete latents of other rows. Those change where a bit of the row's number
 *  is set, and then where it is not: for one of the bits, of any two rows the one is kept while the other changes. */
function dependsAcrossRows(
  target: Target,
  joint: MixedJoint,
  e: Enumeration,
  theta: Float64Array,
  u: Float64Array,
  rng: Rng,
): boolean {
  const many = e.values.length;
  if (e.plate === undefined || many < 2) return false;
  const unused = new Float64Array(target.dimension);
  const [a, b] = [new Float64Array(e.rows), new Float64Array(e.rows)];
  const same = (x: number, y: number): boolean => Object.is(x, y) || Math.abs(x - y) <= 1e-9 * (1 + Math.abs(x));
  for (let look = 0; look < LOOKS; look++) {
    const one = Array.from({ length: e.rows }, () => rng.below(many));
    const other = one.map((c) => (c + 1 + rng.below(many - 1)) % many);
    const restA = joint.inLatents(theta, u, taking(target, e, one), a, unused);
    for (let bit = 1; bit < e.rows; bit *= 2)
      for (const side of [0, bit]) {
        const isKept = (r: number): boolean => (r & bit) === side;
        const mixed = one.map((c, r) => (isKept(r) ? c : other[r]));
        const restB = joint.inLatents(theta, u, taking(target, e, mixed), b, unused);
        if (!same(restA, restB) || a.some((v, r) => isKept(r) && !same(v, b[r]))) return true;
      }
  }
  return false;
}

/** z in which row r has value c[r]. */
function taking(target: Target, e: Enumeration, c: readonly number[]): Float64Array {
  const out = e.values[0].slice();
  for (const s of target.discrete) {
    const size = s.size / e.rows;
    c.forEach((value, r) => {
      const from = s.offset - target.dimension + r * size;
      out.set(e.values[value].subarray(from, from + size), from);
    });
  }
  return out;
}

function expectationAt(
  target: Target,
  joint: MixedJoint,
  e: Enumeration,
  blocks: readonly Blocks[],
  theta: Float64Array,
  starts: readonly Float64Array[] | undefined,
): FiniteExpectation | undefined {
  const n = target.dimension;
  const x = theta.slice();
  const unused = new Float64Array(n);
  const evidences: Float64Array[] = [];
  const means: Float64Array[] = [];
  const spreads: Float64Array[] = [];
  const points: (readonly Float64Array[])[] = [];
  let rest = 0;
  for (const [c, z] of e.values.entries()) {
    const own = new Float64Array(e.rows);
    let at: readonly Float64Array[] = [unused];
    let mean: Float64Array = unused;
    let volumes: Float64Array | undefined;
    if (n > 0) {
      const gradient: Gradient = (u, out) => {
        const value = joint.inLatents(x, u, z, own, out);
        // A value that a row cannot have does not keep the others from having theirs.
        return own.reduce((s, v) => (v === Number.NEGATIVE_INFINITY ? s : s + v), value);
      };
      const p = gaussianPosterior(blocks, gradient, starts?.[c] ?? unused, false);
      if (p === undefined) return undefined;
      mean = p.mean;
      at = p.points;
      [volumes] = p.logVolumes;
      spreads.push(p.deviations);
    }
    rest = joint.inLatents(x, mean, z, own, new Float64Array(n));
    evidences.push(own.map((v, r) => (e.possible[c][r] ? v + (volumes?.[r] ?? 0) : Number.NEGATIVE_INFINITY)));
    means.push(mean);
    points.push(at);
  }
  const responsibilities = e.values.map(() => new Float64Array(e.rows));
  let objective = rest;
  for (let r = 0; r < e.rows; r++) {
    const own = evidences.map((v) => v[r]);
    const total = logSumExp(own);
    objective += total;
    own.forEach((v, c) => {
      responsibilities[c][r] = exp(v - total);
    });
  }
  if (!Number.isFinite(objective)) return undefined;
  const all = points.flatMap((at, c) =>
    at.map((u): Point => ({ u, z: e.values[c], weights: responsibilities[c].map((w) => w / at.length) })),
  );
  return {
    objective,
    responsibilities,
    means,
    ...momentsOf(target, e, blocks, responsibilities, means, spreads),
    expect: (at, gradient) => expected(joint, all, at, gradient),
  };
}

function expected(joint: MixedJoint, points: readonly Point[], theta: Float64Array, gradient: Float64Array): number {
  const own = new Float64Array(joint.parameters);
  gradient.fill(0);
  let sum = 0;
  for (const { u, z, weights } of points) {
    sum += joint.inParameters(theta, u, z, weights, 1 / points.length, own);
    for (let i = 0; i < own.length; i++) gradient[i] += own[i];
  }
  return sum;
}

/** Means and deviations of the continuous latents over the discrete ones; their most probable values. */
function momentsOf(
  target: Target,
  e: Enumeration,
  blocks: readonly Blocks[],
  responsibilities: readonly Float64Array[],
  means: readonly Float64Array[],
  spreads: readonly Float64Array[],
): { position: Float64Array; deviations: Float64Array } {
  const position = new Float64Array(target.width);
  const deviations = new Float64Array(target.dimension);
  for (const { rows, width, places } of blocks)
    for (let r = 0; r < rows; r++)
      for (let j = r * width; j < (r + 1) * width; j++) {
        const i = places[j];
        responsibilities.forEach((w, c) => {
          position[i] += w[r] * means[c][i];
        });
        let square = 0;
        responsibilities.forEach((w, c) => {
          square += w[r] * (spreads[c][i] * spreads[c][i] + (means[c][i] - position[i]) * (means[c][i] - position[i]));
        });
        deviations[i] = Math.sqrt(square);
      }
  const best = Array.from({ length: e.rows }, (_, r) =>
    responsibilities.reduce((most, w, c) => (w[r] > responsibilities[most][r] ? c : most), 0),
  );
  position.set(taking(target, e, best), target.dimension);
  return { position, deviations };
}

/** Params that treat all values alike would do so for ever: then, and in all starts but the first, begin with an M-step in which a few rows,
 *  chosen at random, belong to each value, and the others to all. */
function broken(
  joint: MixedJoint,
  e: Enumeration,
  at: (theta: Float64Array) => FiniteExpectation | undefined,
  theta: Float64Array,
  start: number,
  rng: Rng,
): Float64Array {
  const first = at(theta);
  if (first === undefined || e.rows < 2) return theta;
  const differ = first.responsibilities.some((w) => w.some((x) => Math.abs(x - w[0]) > 1e-6));
  if (start === 0 && differ) return theta;
  const each = Math.max(1, Math.round(e.rows / (4 * e.values.length)));
  const weights = e.possible.map((p) => Float64Array.from(p, (fits) => (fits * SHARED) / e.values.length));
  for (const [c, w] of weights.entries())
    for (let k = 0; k < each; k++) {
      const r = rng.below(e.rows);
      if (e.possible[c][r]) w[r] = 1;
    }
  const points = e.values.map((z, c): Point => ({ u: first.means[c], z, weights: weights[c] }));
  const expectation = { objective: 0, expect: (x: Float64Array, g: Float64Array) => expected(joint, points, x, g) };
  return maximize(expectation, theta, 50).theta;
}
/** Weight of a row that was not chosen, over all values. */
const SHARED = 0.1;
