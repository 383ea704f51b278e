// One step of RODAS, a Rosenbrock method of order 4 with an embedded one of order 3, stiffly accurate (Hairer & Wanner 1996, IV.7 and IV.10, with
// the coefficients of their code). Linear systems with 1 - γh ∂f/∂y take the place of nonlinear ones.

import { pullback } from "../gradient.ts";
import { type Builder, shapeOf, typeOf, type Value } from "../graph.ts";
import { symbol } from "../loop/make.ts";
import { pushforward } from "../pushforward.ts";
import { substitute } from "../substitute.ts";
import type { OdeAttrs } from "./ode.ts";
import type { Pieces } from "./pieces.ts";
import type { Step, StepFrom } from "./step.ts";

const gamma = 0.25;
const nodes = [0, 0.386, 0.21, 0.63, 1, 1];
const weights = [
  [],
  [1.544],
  [0.9466785280815826, 0.2557011698983284],
  [3.314825187068521, 2.896124015972201, 0.9986419139977817],
  [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895],
  [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1],
];
const couplings = [
  [],
  [-5.6688],
  [-2.430093356833875, -0.2063599157091915],
  [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
  [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616],
  [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
];
/** Of h ∂f/∂t, beside the slope. */
const drifts = [0.25, -0.1043, 0.1035, -0.03620000000000023, 0, 0];

/** The order of the embedded solution. */
export const rosenbrockOrder = 3;

export function rosenbrockStep(b: Builder, attrs: OdeAttrs, pieces: Pieces, from: StepFrom): Step {
  const { t, h, y, slopeAt, controlled } = from;
  const groups = groupsOf(attrs);
  const linear = new Linear(b, pieces, from);
  const scale = b.mul(b.constant(gamma), h);
  const inverse = linear.inverse(groups[0], scale);
  const increments: (readonly Value[])[] = [];
  let next: readonly Value[] = y;
  nodes.forEach((c, s) => {
    next =
      s === 0
        ? y
        : y.map((v, i) =>
            b.add(
              v,
              sum(
                b,
                weights[s].map((w, j) => b.mul(b.constant(w), increments[j][i])),
              ),
            ),
          );
    const slope = s === 0 ? from.slope : pieces.split(slopeAt(b.add(t, b.mul(b.constant(c), h)), pieces.join(next)));
    const made: (Value | null)[] = y.map(() => null);
    for (const group of groups) {
      const drift = drifts[s] === 0 ? null : b.mul(b.constant(drifts[s]), h);
      const along = linear.along(group, made, drift);
      const sides = group.map((i, k) => {
        const forward = b.mul(scale, along[k] === null ? slope[i] : b.add(slope[i], along[k]!));
        const terms = couplings[s].map((w, j) => b.mul(b.constant(gamma * w), increments[j][i]));
        return sum(b, [forward, ...terms]);
      });
      inverse(sides).forEach((v, k) => {
        made[group[k]] = v;
      });
    }
    increments.push(made.map((v) => v!));
  });
  const last = increments[increments.length - 1];
  const after = next.map((v, i) => b.add(v, last[i]));
  return {
    next: after,
    slopes: pieces.split(slopeAt(b.add(t, h), pieces.join(after))),
    errors: last.slice(0, controlled),
  };
}

const sum = (b: Builder, terms: readonly Value[]): Value => terms.reduce((s, x) => b.add(s, x));

/** Pieces that are solved together, those first on which others depend: the components; their derivatives by each parameter; the derivatives of
 *  these. All of them have ∂f/∂y on the diagonal. */
function groupsOf(attrs: OdeAttrs): number[][] {
  return ofLevel(attrs).pieces;
}
function ofLevel(attrs: OdeAttrs): { pieces: number[][]; components: number[][]; size: number } {
  const size = shapeOf(attrs.body.params[1])[0];
  const { base, pieces, controlled } = attrs;
  if (base === null) {
    const all = Array.from({ length: controlled }, (_, i) => i);
    return { pieces: [pieces.map((_, i) => i)], components: [all], size };
  }
  const below = ofLevel(base);
  const columns = size / below.size - 1;
  const first = base.pieces.length;
  // A piece for each component below, or one for each piece.
  const rows = pieces[0] > 1 ? base.pieces.map((_, i) => [first + i]) : below.components.map((c) => c.map((i) => first + i));
  const further = below.components.flatMap((c) =>
    Array.from({ length: columns }, (_, j) => c.map((i) => below.size + i * columns + j)),
  );
  return { pieces: [...below.pieces, ...rows], components: [...below.components, ...further], size };
}

/** Derivatives of the slopes where the step begins. */
class Linear {
  private readonly b: Builder;
  private readonly pieces: Pieces;
  private readonly from: StepFrom;
  private readonly time: Value;
  private readonly symbols: readonly Value[];
  private readonly slopes: readonly Value[];
  private readonly actual: ReadonlyMap<Value, Value>;

  constructor(b: Builder, pieces: Pieces, from: StepFrom) {
    this.b = b;
    this.pieces = pieces;
    this.from = from;
    this.time = symbol(b, typeOf(from.t));
    this.symbols = from.y.map((v) => symbol(b, typeOf(v)));
    this.slopes = pieces.split(from.slopeAt(this.time, pieces.join(this.symbols)));
    this.actual = new Map([[this.time, from.t], ...this.symbols.map((s, i): [Value, Value] => [s, from.y[i]])]);
  }

  /** How the slopes of a group change as what has moved so far does, and the time. */
  along(group: readonly number[], moved: readonly (Value | null)[], drift: Value | null): (Value | null)[] {
    const { b } = this;
    const tangents = moved.map((v, i) => (v === null || group.includes(i) ? null : v));
    const changes = pushforward(
      b,
      group.map((i) => this.slopes[i]),
      [...this.symbols, this.time],
      [...tangents, drift],
    );
    return changes.map((c) => c && substitute(b, [c], this.actual)[0]);
  }

  /** Solves (1 - scale ∂f/∂y) x = r for the pieces of a group. */
  inverse(group: readonly number[], scale: Value): (sides: readonly Value[]) => Value[] {
    const { b } = this;
    const size = group.reduce((s, i) => s + this.pieces.sizes[i], 0);
    const jacobian = this.jacobian(group, size);
    const identity = b.tensor(
      Float64Array.from({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? 1 : 0)),
      [size, size],
    );
    const inverse = b.solve(b.sub(identity, b.mul(scale, jacobian)), identity);
    if (group.length === 1 && size > 1) return ([side]) => [this.times(inverse, side)];
    const entry = (i: number, k: number): Value => b.gather(b.gather(inverse, b.constant(i, "int")), b.constant(k, "int"));
    return (sides) => {
      // One piece of a larger group holds all sides one behind the other.
      if (sides.length !== size) return [this.times(inverse, sides[0])];
      return sides.map((_, i) =>
        sum(
          b,
          sides.map((r, k) => b.mul(entry(i, k), r)),
        ),
      );
    };
  }

  private times(inverse: Value, side: Value): Value {
    const { b } = this;
    const [size] = shapeOf(inverse);
    const columns = shapeOf(side)[0] / size;
    return columns === 1
      ? b.matmul(inverse, side)
      : b.reshape(b.matmul(inverse, b.reshape(side, [size, columns])), [size * columns]);
  }

  private jacobian(group: readonly number[], size: number): Value {
    const { b } = this;
    const zero = b.constant(0);
    const all = group.map((i) => this.symbols[i]);
    const [whole] = group;
    if (group.length === 1 && size > 1) {
      const rows = Array.from({ length: size }, (_, i) => {
        const value = b.gather(this.slopes[whole], b.constant(i, "int"));
        const [d] = pullback(b, [{ value, cotangent: b.constant(1), mayVanish: false }], all);
        return d ?? b.broadcastTo(zero, [size]);
      });
      return substitute(b, [b.stack(rows, 0)], this.actual)[0];
    }
    const rows = group.map((i) => {
      const derivatives = pullback(b, [{ value: this.slopes[i], cotangent: b.constant(1), mayVanish: false }], all);
      return b.stack(
        derivatives.map((d) => d ?? zero),
        0,
      );
    });
    return substitute(b, [b.stack(rows, 0)], this.actual)[0];
  }
}
