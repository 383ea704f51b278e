// The no-U-turn sampler with multinomial weights: Hoffman and Gelman 2014; Betancourt 2017, appendix A; Stan's extra checks.
//
// A trajectory doubles until it turns. The new half, of 2^k steps, is built leaf by leaf: after leaf i, subtrees are merged
// as the trailing ones of i in binary say, so a stack of one subtree a level holds all there is, and no recursion is needed.
import { exp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { DIVERGENCE_THRESHOLD, type Hamiltonian } from "./hamiltonian.ts";
import type { Loops } from "./loops.ts";
import { type PhaseSpace, type Point, PointPool, type Vector } from "./phase.ts";

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

const COLUMNS: Kernel["columns"] = [
  { name: "treedepth", of: (t) => t.depth },
  { name: "n_leapfrog", of: (t) => t.steps },
];

const emptySubtree = (space: PhaseSpace, start: Point): Subtree => ({
  begin: start,
  end: start,
  proposal: start,
  weight: Number.NaN,
  momentumSum: space.createVector(),
});

/** Address of Σ p. */
const sumOf = (tree: Subtree): number => (tree.begin === tree.end ? tree.begin.momentumAddress : tree.momentumSum.address);

export const createNoUTurn = (hamiltonian: Hamiltonian, start: Point, maxDepth: number): Kernel =>
  new NoUTurn(hamiltonian, start, maxDepth);

class NoUTurn implements Kernel {
  readonly transition: Transition;
  readonly columns = COLUMNS;
  private readonly hamiltonian: Hamiltonian;
  private readonly loops: Loops;
  private readonly pool: PointPool;
  private readonly maxDepth: number;
  private readonly pending: Subtree[];
  private current: Subtree;
  private readonly whole: Subtree;
  private initialEnergy = Number.NaN;
  /** Energy that weights are relative to: the initial one, unless the trajectory fell so far below that they would overflow. */
  private reference = Number.NaN;
  private acceptanceSum = Number.NaN;

  constructor(hamiltonian: Hamiltonian, start: Point, maxDepth: number) {
    const { space } = hamiltonian;
    this.transition = {
      point: start,
      acceptance: Number.NaN,
      depth: 0,
      steps: 0,
      moved: false,
      divergent: false,
      divergedAt: null,
    };
    this.hamiltonian = hamiltonian;
    this.loops = space.loops;
    this.pool = new PointPool(space);
    this.maxDepth = maxDepth;
    this.pending = Array.from({ length: maxDepth + 1 }, () => emptySubtree(space, start));
    this.current = emptySubtree(space, start);
    this.whole = emptySubtree(space, start);
  }

  /**
   * Whether the union of two adjacent trajectories a and b still goes straight on, by the generalised criterion
   * v(outer a) · ρ > 0 and v(outer b) · ρ > 0 with ρ = Σ p (Betancourt 2017, A.4.2), and likewise from the far end of each to
   * the nearest point of the other, which sees the U-turns that fall between two halves (Stan 2.21, pull request 2800).
   * Writes ρ to `sum`, which may be one of its inputs.
   */
  private isStraight(
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
      ? this.loops.isStraight(aOuter.address, bOuter.address, a, b, sum) !== 0
      : this.loops.isStraightAcross(aOuter.address, aInner.address, a, bInner.address, bOuter.address, b, sum) !== 0;
  }

  /** Merges pending[level] with `current`, which came after it; false when the union has turned. */
  private merge(level: number, rng: Rng): boolean {
    const { pool } = this;
    const before = this.pending[level];
    const after = this.current;
    const goesOn = this.isStraight(
      before.begin,
      before.end,
      sumOf(before),
      after.begin,
      after.end,
      sumOf(after),
      after.momentumSum,
    );
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
  private lowerReference(energy: number): void {
    const factor = exp(energy - this.reference);
    this.reference = energy;
    this.whole.weight *= factor;
    for (const tree of this.pending) tree.weight *= factor;
  }

  /** Integrates 2^depth steps from `from` and leaves their subtree in pending[depth]; false when it diverges or turns. */
  private grow(depth: number, from: Point, step: number, rng: Rng): boolean {
    const { hamiltonian, transition, pool, pending } = this;
    let z = from;
    const leaves = 1 << depth;
    for (let leaf = 0; leaf < leaves; leaf++) {
      const next = pool.take();
      hamiltonian.leapfrog(z, step, next);
      transition.steps++;
      // NaN, as after -∞ - -∞ or a gradient that is not a number, counts as infinitely bad.
      const { energy } = next;
      const energyError = energy - this.initialEnergy;
      if (!(energyError <= DIVERGENCE_THRESHOLD)) {
        transition.divergent = true;
        transition.divergedAt = next;
        return false;
      }
      if (this.reference - energy > LARGEST_LOG_WEIGHT) this.lowerReference(energy);
      const weight = exp(this.reference - energy);
      this.acceptanceSum += energyError <= 0 ? 1 : this.reference === this.initialEnergy ? weight : exp(-energyError);
      next.uses = 3;
      const { current } = this;
      current.begin = current.end = current.proposal = next;
      current.weight = weight;
      let level = 0;
      for (let bits = leaf; (bits & 1) === 1; bits >>= 1) if (!this.merge(level++, rng)) return false;
      const emptied = pending[level];
      pending[level] = current;
      this.current = emptied;
      z = next;
    }
    return true;
  }

  step(stepSize: number, rng: Rng): void {
    const { hamiltonian, transition, pool, pending, whole } = this;
    const origin = transition.point;
    hamiltonian.refresh(origin, rng);
    this.initialEnergy = this.reference = origin.energy;
    whole.begin = whole.end = whole.proposal = origin;
    whole.weight = 1;
    origin.uses = 3;
    this.acceptanceSum = 0;
    transition.depth = 0;
    transition.steps = 0;
    transition.moved = false;
    transition.divergent = false;
    transition.divergedAt = null;

    while (transition.depth < this.maxDepth) {
      const forward = rng.uniform() > 0.5;
      const inner = forward ? whole.end : whole.begin;
      const outer = forward ? whole.begin : whole.end;
      if (!this.grow(transition.depth, inner, forward ? stepSize : -stepSize, rng)) break;
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
      const goesOn = this.isStraight(outer, inner, sumOf(whole), grown.begin, grown.end, sumOf(grown), momentumSum);
      pool.release(inner);
      pool.release(grown.begin);
      if (forward) whole.end = grown.end;
      else whole.begin = grown.end;
      if (!goesOn) break;
    }
    transition.acceptance = this.acceptanceSum / transition.steps;
    transition.point = whole.proposal;
    pool.reset(whole.proposal);
  }
}
