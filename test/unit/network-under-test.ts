// Networks as tests see them: lowered at data in general position, with noise where they are trained.

import { expect } from "vitest";
import { checkModel } from "../../src/dsl/check/check.ts";
import type { CheckedModel } from "../../src/dsl/check/checked-model.ts";
import { bindData } from "../../src/dsl/compile/bind-data.ts";
import { anyPositive, type ParameterPiece } from "../../src/dsl/compile/parameters.ts";
import { namedValue, walk } from "../../src/dsl/compile/walk.ts";
import type { DataSet } from "../../src/dsl/data/value.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { renderDiagnostics } from "../../src/dsl/render-diagnostic.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Builder, InputAttrs, Value } from "../../src/runtime/ir/graph.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { type Shape, sizeOf } from "../../src/runtime/ir/type.ts";
import type { TrainingSource } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

export const numbers = (shape: Shape, phase = 0): Float64Array =>
  Float64Array.from({ length: sizeOf(shape) }, (_, i) => 0.8 * Math.sin(1.7 * i + phase + 0.3));

export function checked(text: string): CheckedModel {
  const source = { name: "net.ppl", text };
  const { value, diagnostics } = parseModel(source);
  const outcome = value ? checkModel("net", [source], value, {}) : { diagnostics };
  if (!outcome.value) throw new Error(renderDiagnostics(outcome.diagnostics, [source]));
  return outcome.value;
}
export const dataOf = (shapes: Readonly<Record<string, Shape>>): DataSet =>
  new Map(Object.entries(shapes).map(([name, shape], i) => [name, { shape, values: numbers(shape, i), firstReal: 0 }]));

export interface Lowered {
  readonly b: Builder;
  readonly pieces: ReadonlyMap<string, { readonly piece: ParameterPiece; readonly value: Value }>;
  readonly value: (name: string) => Value;
  /** At parameters that are numbers in general position. */
  readonly numbers: (name: string) => Float64Array;
}
export function lowered(
  text: string,
  shapes: Readonly<Record<string, Shape>>,
  training?: (b: Builder) => TrainingSource,
): Lowered {
  const model = checked(text);
  const bound = bindData(model, dataOf(shapes), new Map());
  if (!bound.data) throw new Error(bound.diagnostics.map((d) => d.message).join("; "));
  const b = createBuilder();
  const source = training?.(b);
  const w = walk(b, model, bound.data, { kind: "values", values: {} }, { setting: source ? { training: source } : {} });
  const pieces = w.context.session.parameters.met;
  const given = Object.fromEntries(
    [...pieces.values()].map(({ piece, value }, i) => [
      (value.node.attrs as InputAttrs).name,
      numbers(piece.shape, i).map((x) => (piece.constraint === anyPositive ? 0.4 + x * x : 0.5 * x)),
    ]),
  );
  const value = (name: string): Value => {
    const found = namedValue(w, name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };
  const run = (name: string): Float64Array => {
    const inputs = [...pieces.values()].map((p) => p.value);
    const executable = instantiate(compileWasm(simplify(b, { inputs, outputs: [value(name)], updates: [] })));
    for (const [input, values] of Object.entries(given)) executable.inputs[input]?.set(values);
    executable.run();
    const [result] = executable.outputs.map((o) => o.slice());
    executable.dispose();
    return result;
  };
  return { b, pieces, value, numbers: run };
}
/** Sums of a few hundred products of numbers around 1. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(actual[i] - expected[i])).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(expected[i])));
}
