// Arrays given element by element: which indices the statements cover, what size follows, who reads what another iteration wrote.
import type { SourceSpan } from "../diagnostics.ts";
import {
  constantOfDimension,
  type Dimension,
  minus,
  one,
  plus,
  sameDimension,
  slopeIn,
  substitute,
  zero,
} from "../dimensions.ts";
import type { Place } from "../language/ast.ts";
import { hull } from "../ranges.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { lengthOf } from "./loops.ts";
import type { Cover, Elements, Entry, LoopFrame, Scope, Writer } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import {
  describeShape,
  isUnknown,
  joinShapes,
  knownAtBind,
  laterStage,
  type Size,
  type SymbolicShape,
  union,
  type ValueType,
  widerDtype,
} from "./value-type.ts";

export interface PlaceFacts {
  readonly covers: readonly Cover[];
  /** Lengths of the axes that ranges and index arrays keep. */
  readonly kept: SymbolicShape;
  /** Loop variables on which the subscripts depend. */
  readonly varies: ReadonlySet<string>;
}

/** The subscripts of a place: integers known at bind. */
export function placeFacts(c: Context, place: Place): PlaceFacts {
  const kept: Size[] = [];
  const types: ValueType[] = [];
  const covers = place.subscripts.map((s): Cover => {
    switch (s.kind) {
      case "all":
        kept.push(undefined);
        return { lower: undefined, upper: undefined };
      case "range": {
        const lower = s.lower ? placeIndex(c, s.lower) : undefined;
        const upper = s.upper ? placeIndex(c, s.upper) : undefined;
        for (const t of [lower, upper]) if (t) types.push(t);
        const from = lower ? lower.value : one;
        kept.push(from && upper?.value ? lengthOf(from, upper.value) : undefined);
        return { lower: from && corner(c, from, "lower"), upper: upper?.value && corner(c, upper.value, "upper") };
      }
      case "at": {
        const t = placeIndex(c, s.value);
        types.push(t);
        if (t.shape && t.shape.length > 1) {
          c.session.report.error("PPL307", s.span, `${nameOf(c, s.value)} is ${describeShape(t.shape)}`, {
            label: "an index array has one axis",
          });
          kept.push(undefined);
          return { lower: undefined, upper: undefined };
        }
        if (t.shape && t.shape.length > 0) {
          kept.push(t.shape[0]);
          return { lower: undefined, upper: undefined };
        }
        const variable = s.value.kind === "name" ? loopOf(c, s.value.name) : undefined;
        return { lower: t.value && corner(c, t.value, "lower"), upper: t.value && corner(c, t.value, "upper"), variable };
      }
    }
  });
  return { covers, kept, varies: union(...types.map((t) => t.varies)) };
}

function loopOf(c: Context, name: string): LoopFrame | undefined {
  const entry = c.scope.get(name);
  return entry?.kind === "loop" ? c.loops.find((l) => entry.type.varies.has(l.key) && l.name === name) : undefined;
}

function placeIndex(c: Context, e: Parameters<typeof infer>[1]): ValueType {
  const t = infer(c, e);
  if (isUnknown(t)) return t;
  const { report } = c.session;
  if (t.dtype === "real") {
    report.error("PPL207", e.span, `${nameOf(c, e)} is a real number`, { label: "an index is an integer" });
  } else if (!knownAtBind(t.stage)) {
    report.error("PPL213", e.span, `${nameOf(c, e)} depends on latent variables`, {
      label: "an index on the left must be known from the data",
    });
  }
  return t;
}

/** The least or greatest value over all iterations of the loops around; only where it increases with every loop variable, so that the corner is visited. */
function corner(c: Context, value: Dimension, side: "lower" | "upper"): Size {
  let bound = value;
  for (let i = c.loops.length - 1; i >= 0; i--) {
    const slope = slopeIn(bound, c.loops[i].key);
    if (slope === 0) continue;
    const end = slope === undefined ? undefined : slope > 0 ? c.loops[i][side] : side === "upper" ? c.loops[i].lower : undefined;
    if (end === undefined) return undefined;
    bound = substitute(bound, c.loops[i].key, end);
  }
  return bound;
}

/** Union of the covered indices of one axis, if it is 1..n. */
function axisSize(covers: readonly Cover[]): Size {
  let end = zero;
  let rest = covers.filter((v, i) => covers.findIndex((w) => equalCover(v, w)) === i);
  if (rest.some((v) => v.lower === undefined || v.upper === undefined)) return undefined;
  for (;;) {
    const next = rest.find((v) => v.lower && sameDimension(v.lower, plus(end, one)));
    if (!next?.upper) break;
    rest = rest.filter((v) => v !== next);
    end = next.upper;
  }
  const inside = rest.every((v) => v.lower && v.upper && atLeast(v.lower, one) && atLeast(end, v.upper));
  return inside ? end : undefined;
}
const equal = (a: Size, b: Size): boolean => a !== undefined && b !== undefined && sameDimension(a, b);
const equalCover = (a: Cover, b: Cover): boolean => equal(a.lower, b.lower) && equal(a.upper, b.upper);
const atLeast = (a: Dimension, b: Dimension): boolean => (constantOfDimension(minus(a, b)) ?? -1) >= 0;

export const shapeOfElements = (e: Elements): SymbolicShape | undefined =>
  e.trailing && [...Array.from({ length: e.rank }, (_, axis) => axisSize(e.writers.map((w) => w.covers[axis]))), ...e.trailing];

/** Registers a statement as a writer of the array; false (reported) if it gives what another one gives. */
export function addWriter(c: Context, entry: Entry, facts: PlaceFacts, span: SourceSpan): boolean {
  const { report } = c.session;
  const elements = (entry.elements ??= { rank: facts.covers.length, writers: [], trailing: undefined });
  if (elements.rank !== facts.covers.length) {
    report.error(
      "PPL302",
      span,
      `${entry.name} has ${subscripts(facts.covers.length)} here, and ${elements.rank} on ${report.line(entry.span, span)}`,
      {
        label: "every statement that gives elements uses as many subscripts",
      },
    );
    return false;
  }
  const writer: Writer = { span, covers: facts.covers, loops: c.loops, guarded: c.guarded };
  const other = elements.writers.find(
    (w) =>
      ![w.covers, facts.covers].some(isEmpty) &&
      !w.guarded &&
      !c.guarded &&
      w.covers.every((v, i) => equal(v.lower, facts.covers[i].lower)),
  );
  elements.writers.push(writer);
  entry.pending = false;
  if (elements.trailing) entry.type = { ...entry.type, shape: shapeOfElements(elements) };
  if (!other) return true;
  report.error("PPL504", span, `elements of ${entry.name} are given twice`, {
    label: `also given on ${report.line(other.span, span)}`,
    notes: ["every element has exactly one ~ or let"],
  });
  return false;
}
/** Loops of literal bounds may have no turn. */
const isEmpty = (covers: readonly Cover[]): boolean =>
  covers.some(({ lower, upper }) => lower && upper && (constantOfDimension(minus(upper, lower)) ?? 0) < 0);
const subscripts = (n: number): string => (n === 1 ? "one subscript" : `${n} subscripts`);

/** What one statement's value adds to what is known of the array. `element`: the value's shape, its kept axes first. */
export function addElements(c: Context, entry: Entry, facts: PlaceFacts, value: ValueType, span: SourceSpan): void {
  const { report } = c.session;
  const { elements } = entry;
  if (!elements) return;
  const trailing = value.shape && afterKept(value.shape, facts.kept);
  if (trailing === "misfit") {
    report.error("PPL308", span, `the value does not fit the elements of ${entry.name} that are given here`, {
      label: "a range on the left takes as many elements on the right",
    });
  } else if (elements.trailing && trailing) {
    const joined = elements.trailing.length === trailing.length ? joinShapes(elements.trailing, trailing) : "misfit";
    if (joined === "misfit") {
      report.error("PPL308", span, `the elements of ${entry.name} differ in shape`, {
        label: `others are given on ${report.line(elements.writers[0].span, span)}`,
      });
    } else elements.trailing = joined;
  } else if (trailing) elements.trailing = trailing;
  const bound = new Set(facts.varies);
  const first = elements.writers.length <= 1;
  const before = entry.type;
  entry.type = {
    dtype: first ? value.dtype : widerDtype(before.dtype, value.dtype),
    shape: shapeOfElements(elements),
    range: first
      ? value.range
      : {
          ...hull(before.range, value.range),
          declared: before.range.declared === value.range.declared ? value.range.declared : "none",
        },
    stage: laterStage(before.stage, value.stage),
    varies: new Set(
      [...union(before.varies, value.varies)].filter(
        (k) => !bound.has(k) && !c.loops.some((l) => l.key === k && !entry.loops.includes(l)),
      ),
    ),
    structure: first || before.structure === value.structure ? value.structure : undefined,
  };
}

function afterKept(shape: SymbolicShape, kept: SymbolicShape): SymbolicShape | "misfit" {
  if (shape.length === 0 || kept.length === 0) return shape;
  if (shape.length < kept.length) return "misfit";
  return joinShapes(shape.slice(0, kept.length), kept) === "misfit" ? "misfit" : shape.slice(kept.length);
}

/** Where an array given by indexed places lives: outside of the outermost loop whose variable stands in the subscripts. */
export function homeOf(c: Context, varies: ReadonlySet<string>): { readonly scope: Scope; readonly loops: readonly LoopFrame[] } {
  const outermost = c.loops.findIndex((l) => varies.has(l.key));
  return outermost < 0
    ? { scope: c.scope, loops: c.loops }
    : { scope: c.loops[outermost].outside, loops: c.loops.slice(0, outermost) };
}
