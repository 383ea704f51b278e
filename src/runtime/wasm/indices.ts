// Symbolic indices: affine forms in the variables of a loop nest and in indices read from memory.
import type { Value } from "../ir/graph.ts";
import { type Shape, stridesOf } from "../ir/type.ts";

/** One axis of an iteration space: takes the values 0 … size - 1. */
export interface AxisVariable {
  readonly kind: "axis";
  readonly id: number;
  readonly size: number;
}
/** An element of an index tensor, known only when the program runs; inside 0 … size - 1. */
export interface DynamicVariable {
  readonly kind: "dynamic";
  readonly id: number;
  readonly size: number;
  readonly value: Value;
  readonly at: readonly Index[];
}
export type Variable = AxisVariable | DynamicVariable;
export interface Term {
  readonly variable: Variable;
  readonly coefficient: number;
}
/** constant + Σ coefficient · variable; terms ordered by the variables' ids, none with coefficient 0. */
export interface Index {
  readonly constant: number;
  readonly terms: readonly Term[];
}

const none: readonly Term[] = [];
export const constantIndex = (constant: number): Index => ({ constant, terms: none });
export const zero = constantIndex(0);
export const variableIndex = (variable: Variable): Index =>
  variable.size === 1 ? zero : { constant: 0, terms: [{ variable, coefficient: 1 }] };
export const isConstant = (i: Index): boolean => i.terms.length === 0;

export function scale(i: Index, by: number): Index {
  if (by === 0) return zero;
  if (by === 1) return i;
  return { constant: i.constant * by, terms: i.terms.map((t) => ({ variable: t.variable, coefficient: t.coefficient * by })) };
}

export function plus(a: Index, b: Index): Index {
  const constant = a.constant + b.constant;
  if (b.terms.length === 0) return { constant, terms: a.terms };
  if (a.terms.length === 0) return { constant, terms: b.terms };
  const terms: Term[] = [];
  let i = 0;
  let j = 0;
  while (i < a.terms.length || j < b.terms.length) {
    const [s, t] = [a.terms[i], b.terms[j]];
    if (t === undefined || (s !== undefined && s.variable.id < t.variable.id)) {
      terms.push(s);
      i++;
    } else if (s === undefined || t.variable.id < s.variable.id) {
      terms.push(t);
      j++;
    } else {
      const coefficient = s.coefficient + t.coefficient;
      if (coefficient !== 0) terms.push({ variable: s.variable, coefficient });
      i++;
      j++;
    }
  }
  return { constant, terms };
}

export const shifted = (i: Index, by: number): Index => (by === 0 ? i : { constant: i.constant + by, terms: i.terms });

export function keyOf(i: Index): string {
  let key = `${i.constant}`;
  for (const t of i.terms) key += `+${t.coefficient}v${t.variable.id}`;
  return key;
}

/** Least and greatest value, taking the variables as independent. */
export function boundsOf(i: Index): { readonly min: number; readonly max: number } {
  let min = i.constant;
  let max = i.constant;
  for (const { variable, coefficient } of i.terms) {
    const reach = coefficient * (variable.size - 1);
    if (reach > 0) max += reach;
    else min += reach;
  }
  return { min, max };
}

/** Position in row-major order. */
export function flatten(index: readonly Index[], shape: Shape): Index {
  const strides = stridesOf(shape);
  let flat = zero;
  for (let k = 0; k < shape.length; k++) if (shape[k] !== 1) flat = plus(flat, scale(index[k], strides[k]));
  return flat;
}

/** The index tuple of a position in row-major order, where the affine form falls apart by axes; else null. */
export function unflatten(flat: Index, shape: Shape): Index[] | null {
  const strides = stridesOf(shape);
  const out: Index[] = [];
  let rest = flat;
  for (let k = 0; k < shape.length; k++) {
    const stride = strides[k];
    if (shape[k] === 1) {
      out.push(zero);
      continue;
    }
    const high = rest.terms.filter((t) => t.coefficient % stride === 0);
    const low = rest.terms.filter((t) => t.coefficient % stride !== 0);
    const whole = Math.floor(rest.constant / stride);
    const remainder: Index = { constant: rest.constant - whole * stride, terms: low };
    const { min, max } = boundsOf(remainder);
    if (min < 0 || max >= stride) return null;
    const own: Index = {
      constant: whole,
      terms: high.map((t) => ({ variable: t.variable, coefficient: t.coefficient / stride })),
    };
    const reach = boundsOf(own);
    if (reach.min < 0 || reach.max >= shape[k]) return null;
    out.push(own);
    rest = remainder;
  }
  return out;
}

/** All axis variables that the index depends on, through index tensors too. */
export function axesOf(i: Index, into: Set<AxisVariable> = new Set()): Set<AxisVariable> {
  for (const { variable } of i.terms) {
    if (variable.kind === "axis") into.add(variable);
    else for (const j of variable.at) axesOf(j, into);
  }
  return into;
}
