// What a constraint is: a set of values, and a smooth bijection from unconstrained coordinates onto it.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";

/** Bounds of an interval: absent means none on that side. Symbolic while lowering, numbers while reading data. */
export interface Bounds<V> {
  readonly lower?: V;
  readonly upper?: V;
}
export interface Constraint {
  /** As the language writes it: "simplex". */
  readonly name: string;
  /** As read in messages: "a simplex (nonnegative, sum 1)". */
  readonly words: string;
  readonly discrete: boolean;
  /** Number of trailing axes that one constrained object takes: 0 for numbers, 1 for a simplex, 2 for a matrix. */
  readonly event: 0 | 1 | 2;
  /** Bounds that belong to the type itself: positive has lower 0. Those given to `constrain` and the others take precedence. */
  readonly ownBounds?: Bounds<number>;
  /** Bounds of every element of one object, where event > 0: those of a simplex lie between 0 and 1. */
  readonly elements?: Bounds<number>;
  /** What densities on the set are densities against: Lebesgue measure of these elements of x (flat indices, the rest follows from them),
   *  or the surface measure of the set in its surrounding space. */
  measure(s: Shape): readonly number[] | "surface";
  /** Unconstrained shape of ONE object of constrained shape s (length = event). A K-simplex has K - 1 coordinates. Throws ShapeError. */
  unconstrainedShape(s: Shape): Shape;
  /** One object (an elementwise constraint: any shape). Value and log |Jacobian| together: they share subexpressions and cannot drift apart.
   *  logDetJacobian has the shape of x for event 0, and is a scalar otherwise. `shape`: constrained shape. */
  constrain(b: Builder, u: Value, bounds: Bounds<Value>, shape: Shape): { readonly x: Value; readonly logDetJacobian: Value };
  /** Inverse as a graph, of any shape, of an elementwise constraint; absent: there is none in closed form. */
  invert?(b: Builder, x: Value, bounds: Bounds<Value>): Value;
  /** Inverse, on the host, one object (event 0: one number). x strictly inside. */
  unconstrain(x: Float64Array, s: Shape, bounds: Bounds<number>): Float64Array;
  /** Where many coordinates give one x: a draw, under the law that `logDetJacobian` gives them, of those that give the x of these. */
  redraw?(rng: Rng, u: Float64Array): void;
  /** Whether one object (event 0: every number) is in the set; for sums and orthogonality within 1e-8, as Stan checks them. */
  contains(x: ArrayLike<number>, s: Shape, bounds: Bounds<number>): boolean;
  /** log of the factor by which declaring this type over an exchangeable iid scalar prior renormalises it (log K! for ordered); absent: 0. */
  logSymmetry?(s: Shape): number;
  /** Objects strictly inside, and their shapes, for the laws: at least three, none symmetric. */
  readonly probes: readonly { readonly shape: Shape; readonly values: readonly number[]; readonly bounds?: Bounds<number> }[];
}
