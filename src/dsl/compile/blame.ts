// Why a log density is not finite at a point: which statement, which element, which values.
import type { Executable } from "../../runtime/backend.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { gradient } from "../../runtime/ir/gradient.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Blame } from "../../runtime/target.ts";
import { compileWasm, instantiate } from "../../runtime/wasm/backend.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { BoundData } from "./bind-data.ts";
import { givenFrom } from "./discrete.ts";
import { type DrawLayout, type PlacedPiece, takeFrom } from "./piece.ts";
import { type LoweredTerm, total, walk } from "./walk.ts";

/** For positions of this target. Programs are compiled when they are first needed: an equation that takes a million steps before it fails takes them
 *  quickly. */
export function createBlame(model: CheckedModel, data: BoundData, layout: DrawLayout): (q: Float64Array) => Blame {
  // With discrete latents and without.
  const byLength = new Map<number, (q: Float64Array) => Blame>();
  return (q) => {
    const made = byLength.get(q.length) ?? blameOf(model, data, layout, q.length);
    byLength.set(q.length, made);
    return made(q);
  };
}

function blameOf(model: CheckedModel, data: BoundData, layout: DrawLayout, length: number): (q: Float64Array) => Blame {
  const { pieces, dimension, discrete, width } = layout;
  const b = createBuilder();
  // An input, not a constant: what depends on it is not data, and is not checked as data are.
  const u = b.input("q", { shape: [length], dtype: "real" });
  const w = walk(
    b,
    model,
    data,
    {
      kind: "coordinates",
      merged: false,
      take: takeFrom(b, width > dimension ? b.slice(u, 0, 0, dimension) : u, pieces),
      ...(discrete.length > 0 && length === width ? { given: givenFrom(b, u, discrete, 0) } : {}),
    },
    { sums: true },
  );
  const terms = [...w.terms, ...w.jacobian];
  const run = runner(u);
  const slopes = () => gradient(b, total(b, terms), [u]);
  return (q) => {
    const numbers = run("terms", () => terms.map((t) => t.value), q);
    let logDensity = 0;
    for (const values of numbers) for (const v of values) logDensity += v;
    const culprits = terms.flatMap((t, i) => culprit(t, numbers[i], (values) => run(t, values, q)));
    return { logDensity, culprits, badGradient: culprits.length > 0 ? [] : badSlopes(run("slopes", slopes, q)[0], pieces) };
  };
}

/** Values at a position, by the program of them that is compiled once for each key. */
function runner(u: Value): (key: unknown, values: () => readonly Value[], q: Float64Array) => Float64Array[] {
  const programs = new Map<unknown, Executable>();
  return (key, values, q) => {
    const program = programs.get(key) ?? instantiate(compileWasm({ inputs: [u], outputs: values(), updates: [] }));
    programs.set(key, program);
    program.inputs.q.set(q);
    program.run();
    return program.outputs.map((values) => values.slice());
  };
}

/** Coordinates by which the derivative is not finite, where the density is. */
const badSlopes = (slopes: Float64Array, pieces: readonly PlacedPiece[]): Blame["badGradient"] =>
  pieces.flatMap(({ name, offset, size, shape }) => {
    const at = slopes.subarray(offset, offset + size).findIndex((v) => !Number.isFinite(v));
    if (at < 0) return [];
    // Coordinates are the elements, one by one, unless the type ties them together.
    const element = size === sizeOf(shape) && shape.length > 0 ? `[${indexOf(at, shape).join(", ")}]` : "";
    return [{ name: `${name}${element}`, value: slopes[offset + at] }];
  });

function culprit(
  t: LoweredTerm,
  values: Float64Array,
  numbersOf: (values: () => readonly Value[]) => readonly Float64Array[],
): Blame["culprits"][number][] {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return [];
  const shape = shapeOf(t.value);
  const element = indexOf(bad, shape);
  const beside = t.inputs().filter(({ value }) => shapeOf(value).length <= shape.length);
  const numbers = beside.length === 0 ? [] : numbersOf(() => beside.map(({ value }) => value));
  const inputs = beside.map(({ name, value }, i) => {
    const own = shapeOf(value);
    // The element of the input beside the bad element of the term: leading axes are the same rows.
    const at = element.slice(0, own.length).map((k, axis) => Math.min(k, own[axis]));
    return { name, value: numbers[i][flatOf(at, own)] };
  });
  const count = values.reduce((n, v) => (Number.isFinite(v) ? n : n + 1), 0);
  return [{ site: t.site, role: t.role, span: t.span, element, value: values[bad], count, of: sizeOf(shape), inputs }];
}

/** 1-based. */
function indexOf(flat: number, shape: Shape): number[] {
  const out: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    out.unshift((flat % shape[axis]) + 1);
    flat = Math.floor(flat / shape[axis]);
  }
  return out;
}

const flatOf = (index: readonly number[], shape: Shape): number =>
  index.reduce((flat, k, axis) => flat * shape[axis] + (k - 1), 0);
