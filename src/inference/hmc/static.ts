// Hamiltonian Monte Carlo with a fixed integration time (Duane et al. 1987; Neal 2011).
import { exp } from "../../runtime/numeric/math.ts";
import { DIVERGENCE_THRESHOLD, type Hamiltonian } from "./hamiltonian.ts";
import type { Point } from "./phase.ts";
import type { Kernel, Transition } from "./tree.ts";

/** Room beside the starting point. */
export const SIZE_OF_STATIC = { points: 2, vectors: 0 };

/** Each transition integrates for `time`, in at most `maxSteps` leapfrog steps, and accepts or stays. */
export function createStaticKernel(hamiltonian: Hamiltonian, start: Point, time: number, maxSteps: number): Kernel {
  const transition: Transition = {
    point: start,
    acceptance: Number.NaN,
    depth: 0,
    steps: 0,
    moved: false,
    divergent: false,
    divergedAt: null,
  };
  // Three points in turn: where the chain is, and two that leapfrog steps alternate between.
  let one = hamiltonian.space.createPoint();
  let two = hamiltonian.space.createPoint();
  return {
    transition,
    columns: [
      { name: "int_time", of: (t, stepSize) => t.steps * stepSize },
      { name: "n_leapfrog", of: (t) => t.steps },
    ],
    step(stepSize, rng, adapted = stepSize) {
      const origin = transition.point;
      hamiltonian.refresh(origin, rng);
      const steps = Math.max(1, Math.min(maxSteps, Math.floor(time / adapted)));
      transition.steps = 0;
      transition.moved = false;
      transition.divergent = false;
      transition.divergedAt = null;
      transition.acceptance = 0;
      let from = origin;
      let to = one;
      while (transition.steps < steps) {
        hamiltonian.leapfrog(from, stepSize, to);
        transition.steps++;
        if (!(to.energy - origin.energy <= DIVERGENCE_THRESHOLD)) {
          transition.divergent = true;
          transition.divergedAt = to;
          break;
        }
        const next = from === origin ? two : from;
        from = to;
        to = next;
      }
      if (transition.divergent) return;
      const end = from;
      const acceptance = exp(Math.min(0, origin.energy - end.energy));
      transition.acceptance = acceptance;
      if (rng.uniform() < acceptance) {
        transition.point = end;
        transition.moved = true;
        one = origin;
        two = to;
      } else {
        one = end;
        two = to;
      }
    },
  };
}
