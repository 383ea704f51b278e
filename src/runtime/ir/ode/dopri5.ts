// One step of the pair of order 5 and 4 by Dormand and Prince (1980), coefficients as in Hairer, Nørsett & Wanner (1993), table II.5.2. The last
// of its seven slopes is the first of the next step.
import type { Builder, Value } from "../graph.ts";
import { combination, type Pieces } from "./pieces.ts";
import type { Step, StepFrom } from "./step.ts";

const nodes = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const weights = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
/** Of the difference between the solutions of order 5 and 4. */
const error = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/** The error is that of order 4: of one step, h^5. */
export const dopri5Order = 4;

export function dopri5Step(b: Builder, pieces: Pieces, { t, h, y, slope, slopeAt, controlled }: StepFrom): Step {
  const slopes: (readonly Value[])[] = [slope];
  let next: readonly Value[] = y;
  const mixed = (factors: readonly number[], i: number): Value =>
    b.mul(
      h,
      combination(
        b,
        factors,
        slopes.map((k) => k[i]),
      ),
    );
  nodes.forEach((c, s) => {
    next = y.map((v, i) => b.add(v, mixed(weights[s], i)));
    slopes.push(pieces.split(slopeAt(b.add(t, b.mul(b.constant(c), h)), pieces.join(next))));
  });
  return {
    next,
    slopes: slopes[slopes.length - 1],
    errors: Array.from({ length: controlled }, (_, i) => mixed(error, i)),
  };
}
