// What the three libraries can do, and which of their kernels are wrong or too inexact: these run on the host. Found by test/laws/backends.test.ts.
import type { Traits } from "./steps.ts";
import { kernels } from "./tensorflow-calls.ts";

const setOf = (names: string): ReadonlySet<string> => new Set(names.split(" "));

export type CoreTraits = Omit<Traits, "has"> & { readonly faulty: ReadonlySet<string> };

/** Kernels of the wasm backend that broadcast operands of any shapes. */
const broadcastOnWasm = setOf("Add Sub Multiply RealDiv");
export const wasmTraits: CoreTraits = {
  faulty: setOf("UnsortedSegmentSum Sign Minimum Maximum Log1p Sin Cos"),
  broadcasts: (kernel) => broadcastOnWasm.has(kernel),
  transposesFreely: false,
  sumsNaively: true,
  extremaLoseNaN: false,
};

export const cpuTraits: CoreTraits = {
  faulty: setOf("UnsortedSegmentSum Sign Erf"),
  broadcasts: (kernel) => kernel !== "Select",
  transposesFreely: true,
  sumsNaively: false,
  extremaLoseNaN: false,
};

/** What compiled graphs miss beyond 8 roundings, in units of 2^-23 and not relative: XLA's Lanczos sum near the zeros of lgamma, 1 and 2. */
export const missesOfGraphs: ReadonlyMap<string, number> = new Map([["lgamma", 16]]);

/** The extrema as XLA compiles them: of 1 and NaN they are 1, depending on what they are fused with. */
const faultyNatively = setOf("Digamma Minimum Maximum");
export const tensorflowTraits: Traits = {
  has: (kernel) => kernels.has(kernel) && !faultyNatively.has(kernel),
  broadcasts: () => true,
  transposesFreely: true,
  sumsNaively: false,
  extremaLoseNaN: true,
};
