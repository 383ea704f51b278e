// The no-U-turn sampler with multinomial weights: Hoffman and Gelman 2014; Betancourt 2017, appendix A; Stan's extra checks.
//
// A trajectory doubles until it turns. The new half, of 2^k steps, is built leaf by leaf: after leaf i, subtrees are merged
// as the trailing ones of i in binary say, so a stack of one subtree a level holds all there is, and no recursion is needed.
import { exp, logAddExp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { DIVERGENCE_THRESHOLD, type Hamiltonian } from "./hamiltonian.ts";
import { createPointPool, type Point } from "./phase.ts";

/** What one transition tells of itself; the same object every time. */
export interface Transition {
  /** Where the chain is now; valid until the next transition. */
  point: Point;
  /** Mean of min(1, exp(H₀ - H)) over the steps taken. */
  acceptance: number;
  depth: number;
  steps: number;
  moved: boolean;
  divergent: boolean;
  /** Of a divergent one: the position at which the energy error passed the threshold. */
  divergedAt: Point | null;
}

/** One Markov transition from `transition.point`; the warm-up around it is not its business. */
export interface Kernel {
  readonly transition: Transition;
  /** What a draw records of its transition beside what every kernel tells. */
  readonly columns: readonly { readonly name: string; of(transition: Transition, stepSize: number): number }[];
  /** `adapted` is the step size before it was jittered: a trajectory's number of steps goes by it, so that its length varies. */
  step(stepSize: number, rng: Rng, adapted?: number): void;
}

/** A run of consecutive leaves: its first and last one in the order of integration, the sum of all momenta, and a draw from it. */
interface Subtree {
  begin: Point;
  end: Point;
  proposal: Point;
  logWeight: number;
  /** Σ p, of dimension d; for a single leaf this is its momentum and the buffer is unused. */
  momentumSum: Float64Array;
}

export function createNoUTurn(hamiltonian: Hamiltonian, start: Point, maxDepth: number): Kernel {
  const { dimension } = hamiltonian;
  const pool = createPointPool(dimension);
  const transition: Transition = {
    point: start,
    acceptance: Number.NaN,
    depth: 0,
    steps: 0,
    moved: false,
    divergent: false,
    divergedAt: null,
  };
  const emptySubtree = (): Subtree => ({
    begin: start,
    end: start,
    proposal: start,
    logWeight: Number.NaN,
    momentumSum: new Float64Array(dimension),
  });
  const pending: Subtree[] = Array.from({ length: maxDepth + 1 }, emptySubtree);
  let current = emptySubtree();
  const whole = emptySubtree();
  let initialEnergy = Number.NaN;
  let acceptanceSum = Number.NaN;

  const sumOf = (tree: Subtree): Float64Array => (tree.begin === tree.end ? tree.begin.momentum : tree.momentumSum);

  /** Merges pending[level] with `current`, which came after it; false when the union has turned. */
  function merge(level: number, rng: Rng): boolean {
    const before = pending[level];
    const after = current;
    const goesOn = isStraight(before.begin, before.end, sumOf(before), after.begin, after.end, sumOf(after), after.momentumSum);
    const logWeight = logAddExp(before.logWeight, after.logWeight);
    // Uniform progressive sampling within a new subtree keeps its draw multinomial.
    if (rng.uniform() < exp(after.logWeight - logWeight)) pool.release(before.proposal);
    else {
      pool.release(after.proposal);
      after.proposal = before.proposal;
    }
    pool.release(before.end);
    pool.release(after.begin);
    after.begin = before.begin;
    after.logWeight = logWeight;
    return goesOn;
  }

  /** Integrates 2^depth steps from `from` and leaves their subtree in pending[depth]; false when it diverges or turns. */
  function grow(depth: number, from: Point, step: number, rng: Rng): boolean {
    let z = from;
    const leaves = 1 << depth;
    for (let leaf = 0; leaf < leaves; leaf++) {
      const next = pool.take();
      hamiltonian.leapfrog(z, step, next);
      transition.steps++;
      // NaN, as after -∞ - -∞ or a gradient that is not a number, counts as infinitely bad.
      const energyError = next.energy - initialEnergy;
      if (!(energyError <= DIVERGENCE_THRESHOLD)) {
        transition.divergent = true;
        transition.divergedAt = next;
        return false;
      }
      acceptanceSum += energyError <= 0 ? 1 : exp(-energyError);
      next.uses = 3;
      current.begin = current.end = current.proposal = next;
      current.logWeight = -energyError;
      let level = 0;
      for (let bits = leaf; (bits & 1) === 1; bits >>= 1) if (!merge(level++, rng)) return false;
      const emptied = pending[level];
      pending[level] = current;
      current = emptied;
      z = next;
    }
    return true;
  }

  return {
    transition,
    columns: [
      { name: "treedepth", of: (t) => t.depth },
      { name: "n_leapfrog", of: (t) => t.steps },
    ],
    step(stepSize, rng) {
      const origin = transition.point;
      hamiltonian.refresh(origin, rng);
      initialEnergy = origin.energy;
      whole.begin = whole.end = whole.proposal = origin;
      whole.momentumSum.set(origin.momentum);
      whole.logWeight = 0;
      origin.uses = 3;
      acceptanceSum = 0;
      transition.depth = 0;
      transition.steps = 0;
      transition.moved = false;
      transition.divergent = false;
      transition.divergedAt = null;

      while (transition.depth < maxDepth) {
        const forward = rng.uniform() > 0.5;
        const inner = forward ? whole.end : whole.begin;
        const outer = forward ? whole.begin : whole.end;
        if (!grow(transition.depth, inner, forward ? stepSize : -stepSize, rng)) break;
        const grown = pending[transition.depth];
        transition.depth++;
        // Biased progressive sampling: the new half is preferred, so the draw moves far (Betancourt 2017, A.3.2).
        if (grown.logWeight >= whole.logWeight || rng.uniform() < exp(grown.logWeight - whole.logWeight)) {
          pool.release(whole.proposal);
          whole.proposal = grown.proposal;
          transition.moved = true;
        } else pool.release(grown.proposal);
        whole.logWeight = logAddExp(whole.logWeight, grown.logWeight);
        const goesOn = isStraight(outer, inner, whole.momentumSum, grown.begin, grown.end, sumOf(grown), whole.momentumSum);
        pool.release(inner);
        pool.release(grown.begin);
        if (forward) whole.end = grown.end;
        else whole.begin = grown.end;
        if (!goesOn) break;
      }
      transition.acceptance = acceptanceSum / transition.steps;
      transition.point = whole.proposal;
      pool.reset(whole.proposal);
    },
  };
}

/**
 * Whether the union of two adjacent trajectories a and b still goes straight on, by the generalised criterion
 * v(outer a) · ρ > 0 and v(outer b) · ρ > 0 with ρ = Σ p (Betancourt 2017, A.4.2), and likewise from the far end of each to
 * the nearest point of the other, which sees the U-turns that fall between two halves (Stan 2.21, pull request 2800).
 * Writes ρ to `sum`, which may be one of its inputs.
 */
export function isStraight(
  aOuter: Point,
  aInner: Point,
  aSum: Float64Array,
  bInner: Point,
  bOuter: Point,
  bSum: Float64Array,
  sum: Float64Array,
): boolean {
  const va = aOuter.velocity;
  const vb = bOuter.velocity;
  const n = sum.length;
  let a = 0;
  let b = 0;
  if (aOuter === aInner && bInner === bOuter) {
    for (let i = 0; i < n; i++) {
      const rho = aSum[i] + bSum[i];
      sum[i] = rho;
      a += va[i] * rho;
      b += vb[i] * rho;
    }
    return a > 0 && b > 0;
  }
  const { velocity: vaInner, momentum: paInner } = aInner;
  const { velocity: vbInner, momentum: pbInner } = bInner;
  let aToB = 0;
  let bFromA = 0;
  let bToA = 0;
  let aFromB = 0;
  for (let i = 0; i < n; i++) {
    const sa = aSum[i];
    const sb = bSum[i];
    const rho = sa + sb;
    sum[i] = rho;
    a += va[i] * rho;
    b += vb[i] * rho;
    const rhoA = sa + pbInner[i];
    aToB += va[i] * rhoA;
    bFromA += vbInner[i] * rhoA;
    const rhoB = sb + paInner[i];
    bToA += vb[i] * rhoB;
    aFromB += vaInner[i] * rhoB;
  }
  return a > 0 && b > 0 && aToB > 0 && bFromA > 0 && bToA > 0 && aFromB > 0;
}
