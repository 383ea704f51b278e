// The builder: one method a primitive, and the few operations that are written with others.
import { ShapeError } from "../errors.ts";
import { ExpressionTable } from "./expressions.ts";
import type { Folds } from "./folds.ts";
import { type Builder, shapeOf, type Value } from "./graph.ts";
import type { Primitive } from "./primitive.ts";
import { besselIQuotient, logBesselI } from "./primitives/bessel.ts";
import * as compare from "./primitives/compare.ts";
import { convolve, convolveImage } from "./primitives/convolution.ts";
import * as counts from "./primitives/counts.ts";
import * as elementwise from "./primitives/elementwise.ts";
import { logFirstPassage } from "./primitives/first-passage.ts";
import { gather, scatterAdd } from "./primitives/gather.ts";
import * as incompleteBeta from "./primitives/incomplete-beta.ts";
import * as incompleteGamma from "./primitives/incomplete-gamma.ts";
import * as linalg from "./primitives/linalg.ts";
import * as reduce from "./primitives/reduce.ts";
import * as shape from "./primitives/shape.ts";
import * as special from "./primitives/special.ts";
import * as tails from "./primitives/tails.ts";
import * as transcendental from "./primitives/transcendental.ts";
import { broadcastShapes, formatShape } from "./type.ts";

const axesOf = (v: Value): number[] => shapeOf(v).map((_, i) => i);

export interface BuilderOptions {
  /** Expressions stay exactly as they are written, nothing is folded or simplified; what tests compare with. */
  readonly literal?: boolean;
  /** What other builders have folded, and what this one will. The graph is the same with it and without. */
  readonly folds?: Folds;
}

export function createBuilder({ literal = false, folds }: BuilderOptions = {}): Builder {
  const table = new ExpressionTable(() => builder, literal, folds);
  const apply: Builder["apply"] = (op, inputs, attrs) => table.apply(op, inputs, attrs);
  const unary = (op: Primitive<null>) => (a: Value) => apply(op, [a], null)[0];
  const binary = (op: Primitive<null>) => (x: Value, y: Value) => apply(op, [x, y], null)[0];
  const over = (op: Primitive<reduce.ReduceAttrs>) => (a: Value, axes?: readonly number[]) =>
    apply(op, [a], { axes: axes === undefined ? axesOf(a) : [...axes].sort((i, j) => i - j) })[0];

  const builder: Builder = {
    apply,
    input: (name, type) => table.input(name, type),
    constant: (value, dtype = "real") => table.constant(value, dtype),
    tensor: (values, dimensions, dtype = "real") => table.tensor(values, dimensions, dtype),
    unfolded: (values, dimensions, dtype = "real") => table.unfolded(values, dimensions, dtype),

    neg: unary(elementwise.neg),
    abs: unary(elementwise.abs),
    sign: unary(elementwise.sign),
    square: unary(elementwise.square),
    stopGradient: unary(elementwise.stopGradient),
    sqrt: unary(elementwise.sqrt),
    reciprocal: unary(elementwise.reciprocal),
    floor: unary(elementwise.floor),
    ceil: unary(elementwise.ceil),
    round: unary(elementwise.round),
    trunc: unary(elementwise.trunc),
    cast: (a, to) => apply(elementwise.cast, [a], { to })[0],
    add: binary(elementwise.add),
    sub: binary(elementwise.sub),
    mul: binary(elementwise.mul),
    div: binary(elementwise.div),
    min: binary(elementwise.min),
    max: binary(elementwise.max),
    idiv: binary(elementwise.idiv),
    imod: binary(elementwise.imod),
    mod: binary(elementwise.mod),

    exp: unary(transcendental.exp),
    expm1: unary(transcendental.expm1),
    log: unary(transcendental.log),
    log1p: unary(transcendental.log1p),
    sin: unary(transcendental.sin),
    cos: unary(transcendental.cos),
    tan: unary(transcendental.tan),
    asin: unary(transcendental.asin),
    acos: unary(transcendental.acos),
    atan: unary(transcendental.atan),
    sinh: unary(transcendental.sinh),
    cosh: unary(transcendental.cosh),
    tanh: unary(transcendental.tanh),
    sigmoid: unary(transcendental.sigmoid),
    softplus: unary(transcendental.softplus),
    log1mExp: unary(transcendental.log1mExp),
    pow: binary(transcendental.pow),
    atan2: binary(transcendental.atan2),
    xlogy: binary(transcendental.xlogy),
    xlog1py: binary(transcendental.xlog1py),
    logAddExp: binary(transcendental.logAddExp),

    lgamma: unary(special.lgamma),
    digamma: unary(special.digamma),
    trigamma: unary(special.trigamma),
    tetragamma: unary(special.tetragamma),
    erf: unary(special.erf),
    erfc: unary(special.erfc),
    erfcx: unary(special.erfcx),
    logNormalCdf: unary(special.logNormalCdf),
    normalQuantile: unary(special.normalQuantile),
    gammaKernel: binary(incompleteGamma.gammaKernel),
    logGammaP: binary(incompleteGamma.logGammaP),
    logGammaQ: binary(incompleteGamma.logGammaQ),
    gammaQuantile: binary(incompleteGamma.gammaQuantile),
    gammaUpperQuantile: binary(incompleteGamma.gammaUpperQuantile),
    logGammaDraw: binary(incompleteGamma.logGammaDraw),
    betaLogitDraw: (alpha, beta, z) => apply(incompleteBeta.betaLogitDraw, [alpha, beta, z], null)[0],
    betaBinomialSum: (...xs) => apply(counts.betaBinomialSum, xs, null)[0],
    betaNegBinomialBelow: (...xs) => apply(counts.betaNegBinomialBelow, xs, null)[0],
    betaNegBinomialAbove: (...xs) => apply(counts.betaNegBinomialAbove, xs, null)[0],
    logBetaPooled: (...xs) => apply(counts.logBetaPooled, xs, null)[0],
    poissonQuantile: (...xs) => apply(counts.poissonQuantile, xs, null)[0],
    binomialQuantile: (...xs) => apply(counts.binomialQuantile, xs, null)[0],
    negativeBinomialQuantile: (...xs) => apply(counts.negativeBinomialQuantile, xs, null)[0],
    betaBinomialQuantile: (...xs) => apply(counts.betaBinomialQuantile, xs, null)[0],
    betaNegBinomialQuantile: (...xs) => apply(counts.betaNegBinomialQuantile, xs, null)[0],
    logSkewNormalCdf: binary(tails.logSkewNormalCdf),
    skewNormalQuantile: binary(tails.skewNormalQuantile),
    inverseGaussianQuantile: (...xs) => apply(tails.inverseGaussianQuantile, xs, null)[0],
    logVonMisesArc: (...xs) => apply(tails.logVonMisesArc, xs, null)[0],
    vonMisesQuantile: binary(tails.vonMisesQuantile),
    betaKernel: (alpha, beta, odds) => apply(incompleteBeta.betaKernel, [alpha, beta, odds], null)[0],
    logBetaI: (alpha, beta, odds) => apply(incompleteBeta.logBetaI, [alpha, beta, odds], null)[0],
    betaQuantile: (alpha, beta, p) => apply(incompleteBeta.betaQuantile, [alpha, beta, p], null)[0],
    logBesselI: binary(logBesselI),
    besselIQuotient: binary(besselIQuotient),
    logFirstPassage: binary(logFirstPassage),

    eq: binary(compare.eq),
    ne: binary(compare.ne),
    lt: binary(compare.lt),
    le: binary(compare.le),
    gt: binary(compare.gt),
    ge: binary(compare.ge),
    and: binary(compare.and),
    or: binary(compare.or),
    not: unary(compare.not),
    select: (condition, a, b) => apply(compare.select, [condition, a, b], null)[0],

    sum: over(reduce.sum),
    prod: over(reduce.prod),
    reduceMin: over(reduce.reduceMin),
    reduceMax: over(reduce.reduceMax),
    logSumExp: over(reduce.logSumExp),
    sumSoftplus: over(reduce.sumSoftplus),
    cumsum: (a, reverse = false) => apply(reduce.cumsum, [a], { reverse })[0],

    reshape: (a, to) => apply(shape.reshape, [a], { shape: [...to] })[0],
    broadcastTo: (a, to) => apply(shape.broadcastTo, [a], { shape: [...to] })[0],
    transpose: (a, permutation) => apply(shape.transpose, [a], { permutation: [...permutation] })[0],
    slice: (a, axis, start, size, step = 1) => apply(shape.slice, [a], { axis, start, size, step })[0],
    assemble: (pieces, axis, offsets, size) => apply(shape.assemble, pieces, { axis, offsets: [...offsets], size })[0],
    concat: (pieces, axis) => concat(builder, pieces, axis),
    stack(pieces, axis) {
      const slim = pieces.map((p) => builder.reshape(p, [...shapeOf(p).slice(0, axis), 1, ...shapeOf(p).slice(axis)]));
      return concat(builder, slim, axis);
    },
    iota: (dimensions, axis) => apply(shape.iota, [], { shape: [...dimensions], axis })[0],
    gather: (a, index, batch = 0) => apply(gather, [a, index], { batch })[0],
    scatterAdd: (values, index, size, batch = 0) => apply(scatterAdd, [values, index], { batch, size })[0],

    dot: (x, y, { batch, left, right }) => apply(linalg.dot, [x, y], { batch, left: [...left], right: [...right] })[0],
    matmul: (x, y) => matmul(builder, x, y),
    convolve: (x, w, { stride: [down, right], padding }) => apply(convolve, [x, w], { stride: [down, right], padding })[0],
    convolveImage: (g, w, { stride: [down, right], padding, image: [height, width] }) =>
      apply(convolveImage, [g, w], { stride: [down, right], padding, image: [height, width] })[0],
    cholesky: (a) => apply(linalg.cholesky, [a], {})[0],
    triangularSolve: (t, right, { lower, transpose }) => apply(linalg.triangularSolve, [t, right], { lower, transpose })[0],
    qr(a) {
      const [q, r] = apply(linalg.qr, [a], {});
      return [q, r];
    },
    solve: (a, right) => apply(linalg.solve, [a, right], {})[0],
    logAbsDet: (a) => apply(linalg.logAbsDet, [a], {})[0],
    symmetricEigen(a) {
      const [values, vectors] = apply(linalg.symmetricEigen, [a], {});
      return [values, vectors];
    },
  };
  return builder;
}

function concat(b: Builder, pieces: readonly Value[], axis: number): Value {
  if (pieces.length === 0) throw new ShapeError("nothing to join");
  let size = 0;
  const offsets = pieces.map((p) => {
    const at = size;
    size += shapeOf(p)[axis] ?? 0;
    return at;
  });
  return b.assemble(pieces, axis, offsets, size);
}

/** NumPy's matmul: a vector is a row on the left and a column on the right, leading axes broadcast. */
function matmul(b: Builder, x: Value, y: Value): Value {
  const [left, right] = [shapeOf(x), shapeOf(y)];
  const [p, q] = [left.length, right.length];
  if (p === 0 || q === 0)
    throw new ShapeError(`the matrix product needs vectors or matrices, not ${formatShape(left)} and ${formatShape(right)}`);
  const contracted = { left: [p - 1], right: [Math.max(0, q - 2)] };
  if (left[p - 1] !== right[contracted.right[0]]) {
    throw new ShapeError(
      `the matrix product of ${formatShape(left)} and ${formatShape(right)} does not fit: ${left[p - 1]} columns, ${right[contracted.right[0]]} rows`,
    );
  }
  if (p === 1 || q <= 2) return b.dot(x, y, { batch: 0, ...contracted });
  if (p === 2) {
    // [n, lead…, m] to [lead…, n, m]
    const product = b.dot(x, y, { batch: 0, ...contracted });
    return b.transpose(product, [...right.slice(0, -2).map((_, i) => i + 1), 0, q - 1]);
  }
  const lead = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
  const batch = lead.length;
  return b.dot(b.broadcastTo(x, [...lead, ...left.slice(-2)]), b.broadcastTo(y, [...lead, ...right.slice(-2)]), {
    batch,
    left: [batch + 1],
    right: [batch],
  });
}
