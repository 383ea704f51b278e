// Sums over all elements: taken apart, weighted by constants, over as few elements as they can be.
import { dtypeOf, shapeOf, type Value } from "../graph.ts";
import { select } from "../primitives/compare.ts";
import { add, div, mul, neg, square, sub } from "../primitives/elementwise.ts";
import { dot } from "../primitives/linalg.ts";
import { sum } from "../primitives/reduce.ts";
import { assemble } from "../primitives/shape.ts";
import { softplus } from "../primitives/transcendental.ts";
import { type Shape, sizeOf } from "../type.ts";
import { representatives } from "./classes.ts";
import { reducedColumns } from "./columns.ts";
import { type Leaf, leafSums } from "./leaves.ts";
import { compose, coversAll, sourceOf, stretched } from "./positions.ts";
import { rowClasses, valueAt } from "./rows.ts";
import { allFinite, MOST_VISITS, type Session } from "./session.ts";
import { reducedSquares } from "./squares.ts";
import { foldWeights, mapWeights, scaleWeights, type Weights, weighted } from "./weights.ts";

/** Below this many rows there is nothing to gain from comparing them. */
const FEW_ROWS = 8;
/** From so many elements on, sums of logarithms are made by products. */
const MANY_LOGARITHMS = 32;
/** So many parts of one sum are compared row by row. */
const MOST_LEAVES = 100;

/** The sum of all elements of a value, written more cheaply, or null. `splits`: it may become several sums. */
export function cheaperSum(s: Session, operand: Value, splits: boolean): Value | null {
  if (dtypeOf(operand) !== "real" || sizeOf(shapeOf(operand)) <= 1 || !s.isShallow(operand)) return null;
  const parts = new SumParts(s, splits);
  parts.add(operand, 1);
  return parts.progress && parts.isComplete() ? parts.total() : null;
}

class SumParts {
  /** Something was found that makes the sum cheaper. */
  progress = false;
  readonly #s: Session;
  readonly #splits: boolean;
  readonly #budget: { visits: number; leaves: number };
  #constant = 0;
  readonly #scalars: Value[] = [];
  readonly #leaves: Leaf[] = [];

  constructor(s: Session, splits: boolean, budget = { visits: 0, leaves: 0 }) {
    this.#s = s;
    this.#budget = budget;
    this.#splits = splits;
  }

  /** Adds Σ w v. */
  add(v: Value, w: Weights): this {
    if (++this.#budget.visits > MOST_VISITS) return this;
    const s = this.#s;
    const shape = shapeOf(v);
    const rows = sizeOf(shape);
    const { op, inputs } = v.node;
    if (w === 0 || rows === 0) return this;
    if (s.isClosed(v)) {
      this.#constant += weighted(w, s.valuesOf(v));
      this.progress = true;
      return this;
    }
    if (rows === 1) {
      this.#scalars.push(s.b.mul(s.b.constant(weighted(w, Float64Array.of(1))), s.scalar(v)));
      return this;
    }
    if (op === mul) return this.#addProduct(v, w);
    if (!this.#splits) return this.#addLeaf(v, w);
    switch (op) {
      case add:
        this.#addStretched(inputs[0], shape, w);
        return this.#addStretched(inputs[1], shape, w);
      case sub:
        this.#addStretched(inputs[0], shape, w);
        return this.#addStretched(inputs[1], shape, scaleWeights(w, -1));
      case neg:
        return this.add(inputs[0], scaleWeights(w, -1));
      case div:
        return this.#addQuotient(v, w);
      case square:
        return this.#addSquares(inputs[0], w, v);
      case select:
        return this.#addChoice(v, w);
      case sum:
      case assemble:
      case dot:
        return this.#addLinear(v, w);
    }
    return this.#addView(v, w);
  }

  isComplete(): boolean {
    return this.#budget.visits <= MOST_VISITS;
  }
  total(): Value {
    const s = this.#s;
    const { b } = s;
    const addends = [...this.#scalars, ...leafSums(s, this.#leaves)];
    return addends.reduce((x, y) => b.add(x, y), b.constant(this.#constant));
  }

  /** Σ w v over a shape to which v is broadcast. */
  #addStretched(v: Value, shape: Shape, w: Weights): this {
    const size = sizeOf(shapeOf(v));
    if (size !== sizeOf(shape)) this.progress = true;
    return this.add(v, foldWeights(w, sizeOf(shape), stretched(shapeOf(v), shape), size));
  }

  /** `scale` of a sum that is filled apart. */
  #addScaled(scale: (inner: Value) => Value, fill: (inner: SumParts) => void): this {
    const inner = new SumParts(this.#s, this.#splits, this.#budget);
    fill(inner);
    this.progress = true;
    this.#scalars.push(scale(inner.total()));
    return this;
  }

  #addProduct(v: Value, w: Weights): this {
    const s = this.#s;
    const shape = shapeOf(v);
    const [x, y] = v.node.inputs;
    for (const [factor, other] of [
      [x, y],
      [y, x],
    ]) {
      if (s.isOpenScalar(factor)) {
        return this.#addScaled(
          (inner) => s.b.mul(s.scalar(factor), inner),
          (inner) => inner.#addStretched(other, shape, w),
        );
      }
      if (!s.isClosed(factor) || !(this.#splits || sizeOf(shapeOf(factor)) === 1)) continue;
      const product = this.#timesConstant(w, factor, shape, (a, c) => a * c);
      if (product !== null) return this.#addStretched(other, shape, product);
    }
    return this.#addLeaf(v, w);
  }

  #addQuotient(v: Value, w: Weights): this {
    const s = this.#s;
    const shape = shapeOf(v);
    const [x, y] = v.node.inputs;
    const quotient = s.isClosed(y) ? this.#timesConstant(w, y, shape, (a, c) => a / c) : null;
    if (quotient !== null) return this.#addStretched(x, shape, quotient);
    return this.#addLeaf(v, w);
  }

  /** Weights joined with the elements of a constant that is broadcast to the shape; null where one is not finite. */
  #timesConstant(w: Weights, constant: Value, shape: Shape, join: (w: number, c: number) => number): Weights | null {
    const values = this.#s.valuesOf(constant);
    if (values.length === 1 && typeof w === "number") {
      const joined = join(w, values[0]);
      return Number.isFinite(joined) ? joined : null;
    }
    const positions = stretched(shapeOf(constant), shape);
    const elements = positions === null ? values : Float64Array.from(positions, (at) => values[at]);
    const joined = mapWeights(w, elements, join);
    return typeof joined === "number" ? (Number.isFinite(joined) ? joined : null) : allFinite(joined) ? joined : null;
  }

  /** Σ w a²; `whole` is a² as it stands in the program, when it does. */
  #addSquares(a: Value, w: Weights, whole: Value | null): this {
    const s = this.#s;
    const { b } = s;
    const shape = shapeOf(a);
    const rows = sizeOf(shape);
    if (rows === 1 || s.isClosed(a)) return this.add(b.square(a), w);
    const { op, inputs } = a.node;
    const spread = (x: Value, weights: Weights) => (inner: SumParts) => {
      const size = sizeOf(shapeOf(x));
      inner.#addSquares(x, foldWeights(weights, rows, stretched(shapeOf(x), shape), size), null);
    };
    if (op === neg) return this.#addSquares(inputs[0], w, null);
    if (op === mul) {
      for (const [factor, other] of [inputs, [inputs[1], inputs[0]]]) {
        if (s.isOpenScalar(factor)) {
          // factor · (factor · Σ) overflows later than factor² · Σ
          return this.#addScaled((inner) => b.mul(s.scalar(factor), b.mul(s.scalar(factor), inner)), spread(other, w));
        }
        if (!s.isClosed(factor)) continue;
        const product = this.#timesConstant(w, factor, shape, (x, c) => x * c * c);
        if (product === null) continue;
        spread(other, product)(this);
        return this;
      }
    }
    if (op === div) {
      const [x, y] = inputs;
      const quotient = s.isClosed(y) ? this.#timesConstant(w, y, shape, (v, c) => v / c / c) : null;
      if (quotient !== null) {
        spread(x, quotient)(this);
        return this;
      }
    }
    const view = sourceOf(s, a);
    const size = view === null ? 0 : sizeOf(shapeOf(view.source));
    if (view !== null && size <= rows && coversAll(view.positions, size)) {
      if (size < rows) this.progress = true;
      return this.#addSquares(view.source, foldWeights(w, rows, view.positions, size), null);
    }
    const reduced = reducedSquares(s, a, w) ?? (typeof w === "number" ? reducedColumns(s, a, w) : null);
    if (reduced === null) return this.#addLeaf(whole ?? b.square(a), w);
    this.progress = true;
    this.#scalars.push(reduced);
    return this;
  }

  /** c ? x : y with a constant c: the sum of x over some rows and of y over the others. */
  #addChoice(v: Value, w: Weights): this {
    const s = this.#s;
    const shape = shapeOf(v);
    const rows = sizeOf(shape);
    const [condition, x, y] = v.node.inputs;
    if (!s.isClosed(condition)) return this.#addLeaf(v, w);
    const values = s.valuesOf(condition);
    const from = stretched(shapeOf(condition), shape);
    const holds = (n: number): boolean => values[from === null ? n : from[n]] !== 0;
    this.progress = true;
    for (const [arm, wanted] of [
      [x, true],
      [y, false],
    ] as const) {
      const chosen = Int32Array.from({ length: rows }, (_, n) => n).filter((n) => holds(n) === wanted);
      if (chosen.length === 0) continue;
      const own = compose(chosen, stretched(shapeOf(arm), shape))!;
      const part = valueAt(s, arm, own, sizeOf(shapeOf(arm)));
      const weights = typeof w === "number" ? w : Float64Array.from(chosen, (n) => w[n]);
      this.#addStretched(part, [chosen.length], weights);
    }
    return this;
  }

  /** Operations that are linear in what varies of them: their cotangent rule applied to the weights gives the inputs' weights. */
  #addLinear(v: Value, w: Weights): this {
    const s = this.#s;
    const { b } = s;
    const { op, inputs } = v.node;
    const shape = shapeOf(v);
    if (typeof op === "string") return this.#addLeaf(v, w);
    if (op === sum && typeof w === "number") return this.add(inputs[0], w);
    const open = inputs.filter((x) => !s.isClosed(x));
    const size = Math.max(...open.map((x) => sizeOf(shapeOf(x))));
    const grows = op === dot && size > sizeOf(shape);
    if (grows || (op !== assemble && open.length > 1)) return this.#addLeaf(v, w);
    const ct = typeof w === "number" ? b.broadcastTo(b.constant(w), shape) : b.tensor(w, shape);
    const cotangents = op.gradient(b, [ct], v.node, false);
    const parts: Leaf[] = [];
    for (const [i, value] of inputs.entries()) {
      if (op === dot && s.isClosed(value)) continue;
      const g = cotangents[i];
      if (g === null || !s.isClosed(g)) return this.#addLeaf(v, w); // integers have no cotangents
      parts.push({ value, weights: weightsOf(s, g) });
    }
    if (op === dot) this.progress = true;
    for (const { value, weights } of parts) this.add(value, weights);
    return this;
  }

  /** Repeated or reordered elements: each with the sum of its weights. */
  #addView(v: Value, w: Weights): this {
    const view = sourceOf(this.#s, v);
    const rows = sizeOf(shapeOf(v));
    const size = view === null ? 0 : sizeOf(shapeOf(view.source));
    if (view === null) return this.#addLeaf(v, w);
    // Elements that nobody reads are left alone, since they may be infinite; a product with constants is taken whole, reading all it is made of.
    const isProduct = view.source.node.op === dot && view.source.node.inputs.some((x) => this.#s.isClosed(x));
    if (!isProduct && (size > rows || !coversAll(view.positions, size))) return this.#addLeaf(v, w);
    if (size < rows) this.progress = true;
    return this.add(view.source, foldWeights(w, rows, view.positions, size));
  }

  /** What stays a sum of elements; rows that cannot differ are added up beforehand. */
  #addLeaf(v: Value, w: Weights): this {
    const s = this.#s;
    const rows = sizeOf(shapeOf(v));
    const classes =
      rows < FEW_ROWS || !this.#splits || ++this.#budget.leaves > MOST_LEAVES ? null : rowClasses(s, v, rows, rows / 2);
    if (classes === null) {
      if (v.node.op === softplus && typeof w === "number" && this.#splits && rows >= MANY_LOGARITHMS) {
        this.progress = true;
        this.#scalars.push(s.b.mul(s.b.constant(w), s.b.sumSoftplus(v.node.inputs[0])));
      } else this.#leaves.push({ value: v, weights: w });
      return this;
    }
    this.progress = true;
    const value = valueAt(s, v, representatives(classes), rows);
    this.#leaves.push({ value, weights: foldWeights(w, rows, classes.ids, classes.count) });
    return this;
  }
}

function weightsOf(s: Session, g: Value): Weights {
  const values = s.valuesOf(g);
  return values.length > 0 && values.every((x) => x === values[0]) ? values[0] : values;
}
