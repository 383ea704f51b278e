// Hamiltonian Monte Carlo of many rows side by side, unrolled into a program: each row has its own trajectory, and its own accept or reject.
import { gradient } from "../../runtime/ir/gradient.ts";
import { type Builder, shapeOf, typeOf, type Value } from "../../runtime/ir/graph.ts";
import { substitute } from "../../runtime/ir/substitute.ts";
import type { NoiseSource } from "../../runtime/target.ts";

export interface HmcOptions {
  readonly transitions: number;
  /** Leapfrog steps of each. */
  readonly leapfrog: number;
  /** Each transition of a row has a step from (1 ± jitter) times the given one, so that no trajectory is of just the length at which it comes back
   *  to where it began. */
  readonly jitter: number;
}
/** A sum of parts, each weighted by a scalar: log densities [rows] at a position [rows, width]. Those of annealing are log p and log q. */
export interface Mixture {
  parts(position: Value): readonly Value[];
  /** Absent: 1. */
  readonly weights?: readonly Value[];
}
/** A point of each row's chain. */
export interface HmcState {
  /** [rows, width] */
  readonly position: Value;
  /** Of each part: log density [rows], its gradient [rows, width]. */
  readonly parts: readonly Value[];
  readonly gradients: readonly Value[];
}
export interface HmcRun extends HmcState {
  /** Mean probability of acceptance in each row, over the transitions: [rows]. */
  readonly acceptance: Value;
  /** Rise of the log joint of position and momentum along each trajectory: [transitions, rows]. */
  readonly rise: Value;
}

/** Rows do not depend on one another, so the gradient of their sum has the gradient of each. It is taken at a placeholder: where the position is a
 *  reshape, or is made of parts that the density takes apart again, the builder sees through it, and the density would not depend on it. */
export function stateAt(b: Builder, density: Mixture, position: Value): HmcState {
  const somewhere = b.input(`(position ${shapeOf(position)})`, typeOf(position));
  const parts = density.parts(somewhere);
  const gradients = parts.map((v) => gradient(b, b.sum(v), [somewhere])[0]);
  const values = substitute(b, [...parts, ...gradients], new Map([[somewhere, position]]));
  return { position, parts: values.slice(0, parts.length), gradients: values.slice(parts.length) };
}

function weighted(b: Builder, { weights }: Mixture, values: readonly Value[]): Value {
  return values.map((v, i) => (weights ? b.mul(weights[i], v) : v)).reduce((s, v) => b.add(s, v));
}

/** `scale` [rows, width], or of a shape that broadcasts to it: the step of each coordinate is `step` (a scalar, or [rows, 1]) times it, as if
 *  the mass were scale⁻². */
export function hmc(
  b: Builder,
  density: Mixture,
  start: HmcState,
  step: Value,
  scale: Value,
  noise: NoiseSource,
  { transitions, leapfrog, jitter }: HmcOptions,
): HmcRun {
  const shape = shapeOf(start.position);
  const rows = shape.slice(0, 1);
  const fixed = b.mul(step, scale);
  const kinetic = (p: Value): Value => b.mul(b.constant(0.5), b.sum(b.square(p), [1]));
  const energyless = (at: HmcState, p: Value): Value => b.sub(weighted(b, density, at.parts), kinetic(p));
  const force = (at: HmcState): Value => weighted(b, density, at.gradients);
  let state = start;
  const rises: Value[] = [];
  const accepted: Value[] = [];
  for (let m = 0; m < transitions; m++) {
    const stride = jitter === 0 ? fixed : b.mul(jittered(b, noise.noise("uniform", [...rows, 1], []), jitter), fixed);
    const half = b.mul(b.constant(0.5), stride);
    const initial = noise.noise("normal", shape, []);
    let p = b.add(initial, b.mul(half, force(state)));
    let end = state;
    for (let l = 0; l < leapfrog; l++) {
      end = stateAt(b, density, b.add(end.position, b.mul(stride, p)));
      p = b.add(p, b.mul(l === leapfrog - 1 ? half : stride, force(end)));
    }
    const rise = b.sub(energyless(end, p), energyless(state, initial));
    // NaN compares as false: such an end is rejected.
    const isAccepted = b.lt(b.log(noise.noise("uniform", rows, [])), rise);
    const beside = b.reshape(isAccepted, [...rows, 1]);
    const before = state;
    state = {
      position: b.select(beside, end.position, before.position),
      parts: end.parts.map((v, i) => b.select(isAccepted, v, before.parts[i])),
      gradients: end.gradients.map((v, i) => b.select(beside, v, before.gradients[i])),
    };
    const isNumber = b.le(rise, b.constant(Number.POSITIVE_INFINITY));
    accepted.push(b.select(isNumber, b.exp(b.min(b.constant(0), rise)), b.constant(0)));
    rises.push(rise);
  }
  const acceptance = b.div(
    accepted.reduce((s, a) => b.add(s, a)),
    b.constant(transitions),
  );
  return { ...state, acceptance, rise: b.stack(rises, 0) };
}

const jittered = (b: Builder, uniform: Value, jitter: number): Value =>
  b.add(b.constant(1 - jitter), b.mul(b.constant(2 * jitter), uniform));

/** The scale of each element of a draw that is a path of noise: |∂x/∂ε · v| for a random sign v of each element of the noise, whose mean square
 *  is the sum of squares of a row of the Jacobian; where each element has a noise of its own it is exactly the derivative: of a normal draw its
 *  standard deviation. `noises` are those on which x depends, with `directions` of the same shapes. */
export function pathScale(b: Builder, x: Value, noises: readonly Value[], directions: readonly Value[]): Value {
  // The derivative of w · ∂x/∂ε, which is linear in w, by w: forward mode out of reverse mode twice.
  const w = b.input("(weights of a derivative)", { shape: shapeOf(x), dtype: "real" });
  const back = gradient(b, b.sum(b.mul(w, x)), noises);
  const along = back.map((g, i) => b.sum(b.mul(g, directions[i]))).reduce((s, v) => b.add(s, v));
  const [forward] = gradient(b, along, [w]);
  return b.abs(forward);
}

/** ± 1, of uniform numbers. */
export const signs = (b: Builder, uniform: Value): Value =>
  b.sub(b.mul(b.constant(2), b.cast(b.lt(uniform, b.constant(0.5)), "real")), b.constant(1));
