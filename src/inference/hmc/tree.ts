// The no-U-turn sampler with multinomial weights: Hoffman and Gelman 2014; Betancourt 2017, appendix A; Stan's extra checks.
//
// A trajectory doubles until it turns. The new half, of 2^k steps, is built leaf by leaf: after leaf i, subtrees are merged
// as the trailing ones of i in binary say, so a stack of one subtree a level holds all there is, and no recursion is needed.
import { exp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { DIVERGENCE_THRESHOLD, type Hamiltonian } from "./hamiltonian.ts";
import { createPointPool, type Point, type Vector } from "./phase.ts";

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
  /** Σ exp(reference - H) over its leaves. */
  weight: number;
  /** Σ p; for a single leaf this is its momentum and the buffer is unused. */
  readonly momentumSum: Vector;
}

/** Room that a trajectory of this depth needs: three points and a sum for each level and the whole, and some in hand. */
export function sizeOfNoUTurn(maxDepth: number): { readonly points: number; readonly vectors: number } {
  return { points: 3 * maxDepth + 10, vectors: maxDepth + 3 };
}

/** Of a leaf: a million of them, the most a trajectory has, still make a number. */
const LARGEST_LOG_WEIGHT = 600;

export function createNoUTurn(hamiltonian: Hamiltonian, start: Point, maxDepth: number): Kernel {
  const { space } = hamiltonian;
  const { loops } = space;
  const pool = createPointPool(space);
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
    weight: Number.NaN,
    momentumSum: space.createVector(),
  });
  const pending: Subtree[] = Array.from({ length: maxDepth + 1 }, emptySubtree);
  let current = emptySubtree();
  const whole = emptySubtree();
  // Of the transition under way. Fields, since a captured variable allocates at every assignment of a number.
  const sums = {
    initialEnergy: Number.NaN,
    /** Energy that weights are relative to: the initial one, unless the trajectory fell so far below that they would overflow. */
    reference: Number.NaN,
    acceptance: Number.NaN,
  };

  /** Address of Σ p. */
  const sumOf = (tree: Subtree): number => (tree.begin === tree.end ? tree.begin.momentumAddress : tree.momentumSum.address);

  /**
   * Whether the union of two adjacent trajectories a and b still goes straight on, by the generalised criterion
   * v(outer a) · ρ > 0 and v(outer b) · ρ > 0 with ρ = Σ p (Betancourt 2017, A.4.2), and likewise from the far end of each to
   * the nearest point of the other, which sees the U-turns that fall between two halves (Stan 2.21, pull request 2800).
   * Writes ρ to `sum`, which may be one of its inputs.
   */
  function isStraight(
    aOuter: Point,
    aInner: Point,
    a: number,
    bInner: Point,
    bOuter: Point,
    b: number,
    { address: sum }: Vector,
  ): boolean {
    // Of two single points the further conditions say the same.
    return aOuter === aInner && bInner === bOuter
      ? loops.isStraight(aOuter.address, bOuter.address, a, b, sum) !== 0
      : loops.isStraightAcross(aOuter.address, aInner.address, a, bInner.address, bOuter.address, b, sum) !== 0;
  }

  /** Merges pending[level] with `current`, which came after it; false when the union has turned. */
  function merge(level: number, rng: Rng): boolean {
    const before = pending[level];
    const after = current;
    const goesOn = isStraight(before.begin, before.end, sumOf(before), after.begin, after.end, sumOf(after), after.momentumSum);
    // Uniform progressive sampling within a new subtree keeps its draw multinomial.
    const weight = before.weight + after.weight;
    if (rng.uniform() * weight < after.weight) pool.release(before.proposal);
    else {
      pool.release(after.proposal);
      after.proposal = before.proposal;
    }
    pool.release(before.end);
    pool.release(after.begin);
    after.begin = before.begin;
    after.weight = weight;
    return goesOn;
  }

  /** Makes `energy` the one that weights are relative to; those that vanish by it are as good as zero. */
  function lowerReference(energy: number): void {
    const factor = exp(energy - sums.reference);
    sums.reference = energy;
    whole.weight *= factor;
    for (const tree of pending) tree.weight *= factor;
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
      const { energy } = next;
      const energyError = energy - sums.initialEnergy;
      if (!(energyError <= DIVERGENCE_THRESHOLD)) {
        transition.divergent = true;
        transition.divergedAt = next;
        return false;
      }
      if (sums.reference - energy > LARGEST_LOG_WEIGHT) lowerReference(energy);
      const weight = exp(sums.reference - energy);
      sums.acceptance += energyError <= 0 ? 1 : sums.reference === sums.initialEnergy ? weight : exp(-energyError);
      next.uses = 3;
      current.begin = current.end = current.proposal = next;
      current.weight = weight;
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
      sums.initialEnergy = sums.reference = origin.energy;
      whole.begin = whole.end = whole.proposal = origin;
      whole.weight = 1;
      origin.uses = 3;
      sums.acceptance = 0;
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
        if (grown.weight >= whole.weight || rng.uniform() * whole.weight < grown.weight) {
          pool.release(whole.proposal);
          whole.proposal = grown.proposal;
          transition.moved = true;
        } else pool.release(grown.proposal);
        whole.weight += grown.weight;
        const { momentumSum } = whole;
        const goesOn = isStraight(outer, inner, sumOf(whole), grown.begin, grown.end, sumOf(grown), momentumSum);
        pool.release(inner);
        pool.release(grown.begin);
        if (forward) whole.end = grown.end;
        else whole.begin = grown.end;
        if (!goesOn) break;
      }
      transition.acceptance = sums.acceptance / transition.steps;
      transition.point = whole.proposal;
      pool.reset(whole.proposal);
    },
  };
}
