// What an elementwise rule writes its code with: arithmetic on two float64 lanes. Implemented by the code generator;
// a scalar is two equal lanes, so each rule is written once and scalar and vector results agree to the bit.

/** A value of two float64 lanes, or of two lane masks (the result of a comparison). Opaque outside the emitter. */
export interface VectorValue {
  readonly kind: "f64x2" | "mask";
}

/** The number addend + log factor, 1 <= factor <= 2 or NaN. */
export interface Factored {
  readonly addend: VectorValue;
  readonly factor: VectorValue;
}

/** Functions of the math library that rules may call. One implementation each, in runtime/wasm/mathlib. */
export type MathFunction =
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sin"
  | "cos"
  | "tan"
  | "tanh"
  | "atan"
  | "asin"
  | "acos"
  | "sigmoid"
  | "softplus"
  | "lgamma"
  | "digamma"
  | "trigamma"
  | "tetragamma"
  | "erf"
  | "erfc"
  | "erfcx"
  | "logNormalCdf"
  | "normalQuantile"
  | "pow"
  | "atan2";

/** Functions that iterate, on one lane after the other: calls always. One implementation each, in runtime/wasm/iterative. */
export type IterativeFunction =
  | "gammaKernel"
  | "logGammaP"
  | "logGammaQ"
  | "logGammaPRate"
  | "logGammaQRate"
  | "logGammaPSlope"
  | "logGammaQSlope"
  | "logGammaPBend"
  | "logGammaQBend"
  | "gammaQuantile"
  | "gammaUpperQuantile"
  | "logGammaDraw"
  | "betaKernel"
  | "logBetaI"
  | "logBetaIRate"
  | "logBetaISlopeA"
  | "logBetaISlopeB"
  | "logBetaIBendAA"
  | "logBetaIBendAB"
  | "logBetaIBendBB"
  | "betaQuantile"
  | "betaLogitDraw"
  | "betaBinomialSum"
  | "betaBinomialSumSlopeA"
  | "betaBinomialSumSlopeB"
  | "logBetaPooled"
  | "betaNegBinomialBelow"
  | "betaNegBinomialBelowSlopeR"
  | "betaNegBinomialBelowSlopeA"
  | "betaNegBinomialAbove"
  | "betaNegBinomialAboveSlopeR"
  | "betaNegBinomialAboveSlopeA"
  | "poissonQuantile"
  | "binomialQuantile"
  | "negativeBinomialQuantile"
  | "betaBinomialQuantile"
  | "betaNegBinomialQuantile"
  | "logSkewNormalCdf"
  | "skewNormalQuantile"
  | "inverseGaussianQuantile"
  | "logVonMisesArc"
  | "logVonMisesArcSlope"
  | "vonMisesQuantile"
  | "logBesselI"
  | "logBesselISlope"
  | "besselIQuotient"
  | "logFirstPassage"
  | "firstPassage1"
  | "firstPassage2"
  | "firstPassage3"
  | "firstPassage4";

export interface VectorEmitter {
  constant(value: number): VectorValue;
  add(a: VectorValue, b: VectorValue): VectorValue;
  sub(a: VectorValue, b: VectorValue): VectorValue;
  mul(a: VectorValue, b: VectorValue): VectorValue;
  div(a: VectorValue, b: VectorValue): VectorValue;
  neg(a: VectorValue): VectorValue;
  abs(a: VectorValue): VectorValue;
  sqrt(a: VectorValue): VectorValue;
  /** IEEE minimum and maximum: NaN if either is NaN. */
  min(a: VectorValue, b: VectorValue): VectorValue;
  max(a: VectorValue, b: VectorValue): VectorValue;
  floor(a: VectorValue): VectorValue;
  ceil(a: VectorValue): VectorValue;
  trunc(a: VectorValue): VectorValue;
  /** To the nearest integer, ties to even. */
  nearest(a: VectorValue): VectorValue;
  eq(a: VectorValue, b: VectorValue): VectorValue;
  ne(a: VectorValue, b: VectorValue): VectorValue;
  lt(a: VectorValue, b: VectorValue): VectorValue;
  le(a: VectorValue, b: VectorValue): VectorValue;
  gt(a: VectorValue, b: VectorValue): VectorValue;
  ge(a: VectorValue, b: VectorValue): VectorValue;
  and(a: VectorValue, b: VectorValue): VectorValue;
  or(a: VectorValue, b: VectorValue): VectorValue;
  not(a: VectorValue): VectorValue;
  /** Lanewise choice. `condition` is a mask, or numbers of which those unequal to 0 (NaN too) count as true. */
  select(condition: VectorValue, a: VectorValue, b: VectorValue): VectorValue;
  /** The same choice with a hint: `rare` (for large arguments, poles, reflections) is seldom needed, so an emitter may branch
   *  around it when no lane of the mask is set, or simply compute both. */
  selectRare(condition: VectorValue, rare: () => VectorValue, common: VectorValue): VectorValue;
  call(name: MathFunction, ...args: VectorValue[]): VectorValue;
  iterate(name: IterativeFunction, ...args: VectorValue[]): VectorValue;
  /** Reinterpreted as two 64-bit integers, for the math library: bitwise and integer operations on the lanes. */
  readonly bits: BitOperations;
}

export interface BitOperations {
  constant(value: bigint): VectorValue;
  and(a: VectorValue, b: VectorValue): VectorValue;
  or(a: VectorValue, b: VectorValue): VectorValue;
  xor(a: VectorValue, b: VectorValue): VectorValue;
  add(a: VectorValue, b: VectorValue): VectorValue;
  sub(a: VectorValue, b: VectorValue): VectorValue;
  shiftLeft(a: VectorValue, by: number): VectorValue;
  shiftRightLogical(a: VectorValue, by: number): VectorValue;
  shiftRightArithmetic(a: VectorValue, by: number): VectorValue;
}
