// Nodes, values and the builder's interface: an expression graph that is never mutated.
import { InternalError } from "../errors.ts";
import type { Primitive } from "./primitive.ts";
import type { ImageAttrs } from "./primitives/convolution.ts";
import type { WindowAttrs } from "./primitives/convolution-windows.ts";
import type { DType, Numbers, TensorType } from "./type.ts";

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
export interface Node<A = any> {
  /** Creation order, hence a topological order. */
  readonly id: number;
  readonly op: Primitive<A> | "input" | "constant";
  readonly inputs: readonly Value[];
  readonly attrs: A;
  readonly results: readonly TensorType[];
}
export interface InputAttrs {
  readonly name: string;
}
export interface ConstantAttrs {
  /** Row-major elements; never written after the node is made. */
  readonly values: Numbers;
  /** Nothing is computed from it ahead, while graphs are made. A backend may, once. */
  readonly unfolded?: true;
}
export interface Value {
  readonly node: Node;
  readonly index: number;
}
export interface DotAttrs {
  /** Number of leading axes shared by both operands, kept in front of the result. */
  readonly batch: number;
  /** Axes contracted, numbered in the operand's own shape (batch axes included); equally many of each. */
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** Makes nodes. Hash-conses (equal expressions are one node), folds what depends on constants alone, applies local identities.
 *  Elementwise methods broadcast as NumPy does. */
export interface Builder {
  // biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
  apply<A = any>(op: Primitive<A>, inputs: readonly Value[], attrs: A): readonly Value[];
  input(name: string, type: TensorType): Value;
  /** A scalar constant. */
  constant(value: number, dtype?: DType): Value;
  /** A constant tensor; `values` is kept, not copied, and must not change afterwards. */
  tensor(values: Numbers, shape: readonly number[], dtype?: DType): Value;
  /** The same, of which nothing is computed ahead: parameters that are fixed, with which a network over all data would be evaluated. */
  unfolded(values: Numbers, shape: readonly number[], dtype?: DType): Value;

  // elementwise, one argument
  neg(a: Value): Value;
  abs(a: Value): Value;
  sign(a: Value): Value;
  square(a: Value): Value;
  /** a itself, of which no derivative is taken */ stopGradient(a: Value): Value;
  sqrt(a: Value): Value;
  reciprocal(a: Value): Value;
  exp(a: Value): Value;
  expm1(a: Value): Value;
  log(a: Value): Value;
  log1p(a: Value): Value;
  sin(a: Value): Value;
  cos(a: Value): Value;
  tan(a: Value): Value;
  asin(a: Value): Value;
  acos(a: Value): Value;
  atan(a: Value): Value;
  sinh(a: Value): Value;
  cosh(a: Value): Value;
  tanh(a: Value): Value;
  sigmoid(a: Value): Value;
  /** log(1 + exp(a)) */ softplus(a: Value): Value;
  /** log(1 - exp(a)), a < 0 */ log1mExp(a: Value): Value;
  lgamma(a: Value): Value;
  digamma(a: Value): Value;
  trigamma(a: Value): Value;
  tetragamma(a: Value): Value;
  erf(a: Value): Value;
  erfc(a: Value): Value;
  /** exp(a^2) erfc(a) */ erfcx(a: Value): Value;
  /** log Φ(a), accurate in both tails */ logNormalCdf(a: Value): Value;
  /** Φ^{-1}(p) */ normalQuantile(p: Value): Value;
  /** log P(a, x), P the regularised incomplete gamma function */ logGammaP(a: Value, x: Value): Value;
  /** log(1 - P(a, x)) */ logGammaQ(a: Value, x: Value): Value;
  /** log(x^a e^-x / Γ(a)) */ gammaKernel(a: Value, x: Value): Value;
  /** x with P(a, x) = p */ gammaQuantile(a: Value, p: Value): Value;
  /** x with P(a, x) = 1 - q */ gammaUpperQuantile(a: Value, q: Value): Value;
  /** log x with P(a, x) = Φ(z): a gamma draw of a standard normal */ logGammaDraw(a: Value, z: Value): Value;
  /** log I_x(a, b), the regularised incomplete beta function, at odds x / (1 - x) */ logBetaI(
    a: Value,
    b: Value,
    odds: Value,
  ): Value;
  /** log(x^a (1 - x)^b / B(a, b)) at odds x / (1 - x) */ betaKernel(a: Value, b: Value, odds: Value): Value;
  /** log odds at which I(a, b) = Φ(z): a beta draw of a standard normal */ betaLogitDraw(a: Value, b: Value, z: Value): Value;
  /** log P(X <= x) / P(X = x) of a beta-binomial X of n trials */
  betaBinomialSum(x: Value, n: Value, a: Value, b: Value): Value;
  /** log P(X <= x) / P(X = x) and log P(X >= x) / P(X = x) of a beta-negative-binomial X */
  betaNegBinomialBelow(x: Value, r: Value, alpha: Value, beta: Value): Value;
  betaNegBinomialAbove(x: Value, r: Value, alpha: Value, beta: Value): Value;
  /** log B(a + c, b + d) / (B(a, b) B(c, d)) */ logBetaPooled(a: Value, b: Value, c: Value, d: Value): Value;
  /** the least x with P(X <= x) >= p, of the parameters, log p and log(1 - p) */
  poissonQuantile(mean: Value, logP: Value, logQ: Value): Value;
  binomialQuantile(n: Value, success: Value, failure: Value, logP: Value, logQ: Value): Value;
  negativeBinomialQuantile(shape: Value, failure: Value, logP: Value, logQ: Value): Value;
  betaBinomialQuantile(n: Value, a: Value, b: Value, logP: Value, logQ: Value): Value;
  betaNegBinomialQuantile(r: Value, alpha: Value, beta: Value, logP: Value, logQ: Value): Value;
  /** log F(z) of the density 2 φ(z) Φ(alpha z); log(1 - F) is that of -z and -alpha */ logSkewNormalCdf(
    z: Value,
    alpha: Value,
  ): Value;
  /** z with log F(z) = l <= log ½ */ skewNormalQuantile(alpha: Value, l: Value): Value;
  /** x/μ with P(X <= x) = p, X inverse Gaussian, of λ/μ, log p and log(1 - p) */
  inverseGaussianQuantile(k: Value, logP: Value, logQ: Value): Value;
  /** log P(from < T <= to), T von Mises about 0, to - from at most 2π */ logVonMisesArc(
    from: Value,
    to: Value,
    kappa: Value,
  ): Value;
  /** t <= 0 with log P(-π < T <= t) = l <= log ½ */ vonMisesQuantile(kappa: Value, l: Value): Value;
  /** odds at which I(a, b) = p */ betaQuantile(a: Value, b: Value, p: Value): Value;
  /** log(Γ(v + 1) (2/x)^v e^-x I_v(x)), I_v the modified Bessel function of the first kind */
  logBesselI(v: Value, x: Value): Value;
  /** I_{v+1}(x) / (x I_v(x)) */ besselIQuotient(v: Value, x: Value): Value;
  /** log density of the time u at which a Brownian motion from w comes to 0 before it comes to 1 */
  logFirstPassage(u: Value, w: Value): Value;
  floor(a: Value): Value;
  ceil(a: Value): Value;
  round(a: Value): Value;
  trunc(a: Value): Value;
  /** real, int and bool into one another without change of value (bool to int to real widen; real to int asserts integers) */
  cast(a: Value, to: DType): Value;
  // elementwise, two arguments
  add(a: Value, b: Value): Value;
  sub(a: Value, b: Value): Value;
  mul(a: Value, b: Value): Value;
  div(a: Value, b: Value): Value;
  pow(a: Value, b: Value): Value;
  atan2(a: Value, b: Value): Value;
  min(a: Value, b: Value): Value;
  max(a: Value, b: Value): Value;
  /** Integer division and remainder, truncating as Stan's %/% and % do. */
  idiv(a: Value, b: Value): Value;
  imod(a: Value, b: Value): Value;
  /** Floored remainder of reals, sign of b (fmod is different). */ mod(a: Value, b: Value): Value;
  /** a log b, 0 where a is 0 */ xlogy(a: Value, b: Value): Value;
  /** a log(1 + b), 0 where a is 0 */ xlog1py(a: Value, b: Value): Value;
  /** log(exp a + exp b) */ logAddExp(a: Value, b: Value): Value;
  eq(a: Value, b: Value): Value;
  ne(a: Value, b: Value): Value;
  lt(a: Value, b: Value): Value;
  le(a: Value, b: Value): Value;
  gt(a: Value, b: Value): Value;
  ge(a: Value, b: Value): Value;
  and(a: Value, b: Value): Value;
  or(a: Value, b: Value): Value;
  not(a: Value): Value;
  /** condition ? a : b elementwise; the arm not chosen contributes neither value nor gradient, not even NaN. */
  select(condition: Value, a: Value, b: Value): Value;

  // reductions; without axes, over all
  sum(a: Value, axes?: readonly number[]): Value;
  prod(a: Value, axes?: readonly number[]): Value;
  reduceMin(a: Value, axes?: readonly number[]): Value;
  reduceMax(a: Value, axes?: readonly number[]): Value;
  logSumExp(a: Value, axes?: readonly number[]): Value;
  /** Σ log(1 + exp(a)) */ sumSoftplus(a: Value, axes?: readonly number[]): Value;
  /** Cumulative sum along the last axis; `reverse`: from the end. */
  cumsum(a: Value, reverse?: boolean): Value;

  // shapes
  reshape(a: Value, shape: readonly number[]): Value;
  broadcastTo(a: Value, shape: readonly number[]): Value;
  transpose(a: Value, permutation: readonly number[]): Value;
  /** Elements start, start + step, … of one axis; step may be negative. */
  slice(a: Value, axis: number, start: number, size: number, step?: number): Value;
  /** Pieces laid along an axis of length `size` at their offsets, 0 where none lies: concatenation and padding at once. Pieces are disjoint. */
  assemble(pieces: readonly Value[], axis: number, offsets: readonly number[], size: number): Value;
  concat(pieces: readonly Value[], axis: number): Value;
  stack(pieces: readonly Value[], axis: number): Value;
  /** 0, 1, … along an axis of the shape; dtype int. */
  iota(shape: readonly number[], axis: number): Value;
  /** Rows of `a` at 0-based indices. With B = batch: a [b…, n, r…], index [b…, i…] (int) gives [b…, i…, r…]. */
  gather(a: Value, index: Value, batch?: number): Value;
  /** The adjoint of gather: values [b…, i…, r…] added into zeros [b…, size, r…]. */
  scatterAdd(values: Value, index: Value, size: number, batch?: number): Value;

  // linear algebra; all but dot act on the last two axes, leading axes are a batch
  /** Result: [batch…, left's free axes…, right's free axes…]. */
  dot(a: Value, b: Value, attrs: DotAttrs): Value;
  /** a [.., n, k] @ b [.., k, m], vectors as NumPy's matmul. */
  matmul(a: Value, b: Value): Value;
  /** Images [B, H, W, C] under a kernel [kh, kw, C, O]: [B, p, q, O]. */
  convolve(image: Value, kernel: Value, attrs: WindowAttrs): Value;
  /** Its adjoint in the image, a transposed convolution: [B, p, q, O] and [kh, kw, C, O] to [B, H, W, C]. */
  convolveImage(windows: Value, kernel: Value, attrs: ImageAttrs): Value;
  /** Lower factor of a symmetric positive definite matrix (lower triangle read); NaN everywhere where it is none. */
  cholesky(a: Value): Value;
  /** Solves T x = b, or T' x = b with `transpose`; T triangular [.., n, n], the other triangle not read; b [.., n, m]. */
  triangularSolve(t: Value, b: Value, options: { readonly lower: boolean; readonly transpose: boolean }): Value;
  /** Thin QR of [.., n, k], n >= k, R with a nonnegative diagonal. */
  qr(a: Value): readonly [q: Value, r: Value];
  /** A^{-1} b by LU with partial pivoting; b [.., n, m]. */
  solve(a: Value, b: Value): Value;
  /** log |det A| */
  logAbsDet(a: Value): Value;
  /** Of the symmetric part of [.., n, n]: eigenvalues [.., n] in increasing order, and eigenvectors, columns of [.., n, n]. */
  symmetricEigen(a: Value): readonly [values: Value, vectors: Value];
}

export const typeOf = (v: Value): TensorType => v.node.results[v.index];
export const shapeOf = (v: Value): readonly number[] => v.node.results[v.index].shape;
export const dtypeOf = (v: Value): DType => v.node.results[v.index].dtype;
/** The elements of a constant, or null. */
export const constantOf = (v: Value): Numbers | null =>
  v.node.op === "constant" ? (v.node.attrs as ConstantAttrs).values : null;
/** The results of a node of `b`: hash-consing makes them the very same values. */
export const resultsOf = (b: Builder, node: Node): readonly Value[] => {
  if (typeof node.op === "string") throw new InternalError(`an ${node.op} has no operation to apply`);
  return b.apply(node.op, node.inputs, node.attrs);
};
