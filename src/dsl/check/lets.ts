// let, and what quantity and predict share with it: names for values, whole or element by element.
import type { Expression, LetStatement, Place, QuantityStatement } from "../language/ast.ts";
import { hull, undeclared } from "../ranges.ts";
import { addElements, addWriter, homeOf, placeFacts } from "./arrays.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { type Entry, kindWords, type Scope } from "./scope.ts";
import { isUnknown, laterStage, type Stage, union, unknownType, type ValueType, widerDtype } from "./value-type.ts";

type Kind = "let" | "quantity" | "predict";

export function checkLet(c: Context, s: LetStatement): void {
  c.session.stages.set(
    s,
    give(c, "let", s.place, () => infer(c, s.value), s.value),
  );
}
export function checkQuantity(c: Context, s: QuantityStatement): void {
  const per = { ...c, perDraw: true };
  c.session.stages.set(
    s,
    give(per, "quantity", s.place, () => infer(per, s.value), s.value),
  );
}

/** Gives a name or some of its elements the value that `typeOf` finds, once the place is known. Returns when the value is known. */
export function give(c: Context, kind: Kind, place: Place, typeOf: () => ValueType, value?: Expression): Stage {
  const type = place.subscripts.length === 0 ? giveWhole(c, kind, place, typeOf, value) : givePart(c, kind, place, typeOf);
  return type.stage;
}

function giveWhole(c: Context, kind: Kind, place: Place, typeOf: () => ValueType, value: Expression | undefined): ValueType {
  const { root } = c.session;
  const name = place.name.name;
  if (kind !== "let" && c.loops.length > 0) {
    insideLoop(c, kind, place);
    return typeOf();
  }
  const found = typeOf();
  const type = { ...found, range: undeclared(found.range), ...(kind === "predict" ? { stage: "predict" as const } : {}) };
  const scope = kind === "let" ? c.scope : root;
  const before = scope.here(name);
  if (before && !before.unknown) {
    const branches = c.guarded && before.kind === kind && before.guarded && !before.elements;
    if (!branches) {
      definedTwice(c, before, place);
      return type;
    }
    before.type = mergedBranches(before.type, type);
    return type;
  }
  if (kind === "let" && shadows(c, scope, place)) return type;
  const entry: Entry = {
    kind,
    name,
    span: place.name.span,
    type,
    used: kind !== "let",
    loops: c.loops,
    guarded: c.guarded,
    value,
  };
  scope.set(entry);
  c.session.entries.push(entry);
  return type;
}

/** The two arms of an `if` may give one name; which of them did, bind knows. */
function mergedBranches(a: ValueType, b: ValueType): ValueType {
  const same = a.shape?.length === b.shape?.length;
  return {
    ...a,
    dtype: widerDtype(a.dtype, b.dtype),
    range: hull(a.range, b.range),
    stage: laterStage(a.stage, b.stage),
    varies: union(a.varies, b.varies),
    shape: same ? a.shape : undefined,
    value: undefined,
    structure: undefined,
  };
}

export function definedTwice(c: Context, before: Entry, place: Place): void {
  const { report } = c.session;
  report.error("PPL202", place.name.span, `${before.name} is defined twice`, {
    label: `${before.name} is ${kindWords[before.kind]} on ${report.line(before.span, place.span)}`,
    notes:
      before.kind === "let" || before.kind === "quantity"
        ? ["a value is given once and never changes: choose another name"]
        : undefined,
  });
}

/** A let hides no name of the blocks around it (rule 15). */
function shadows(c: Context, scope: Scope, place: Place): boolean {
  const { report } = c.session;
  const outer = scope.parent?.get(place.name.name);
  if (!outer || outer.unknown || outer.pending) return false;
  const inFunction = c.frames.length > 0 && c.session.root.here(place.name.name) === outer;
  if (inFunction && (outer.kind === "latent" || outer.kind === "quantity" || outer.kind === "predict")) return false;
  report.error(
    "PPL209",
    place.name.span,
    `${place.name.name} hides the ${place.name.name} on ${report.line(outer.span, place.span)}`,
    {
      label: `that one is ${kindWords[outer.kind]}`,
      notes: [
        outer.kind === "let" && c.loops.length > 0
          ? `to give one value an iteration, write let ${place.name.name}[n] = …; else choose another name`
          : "choose another name",
      ],
    },
  );
  return true;
}

export function insideLoop(c: Context, kind: string, place: Place): void {
  const { report } = c.session;
  const loop = c.loops[c.loops.length - 1];
  c.session.mentioned.add(loop.name);
  const text = `${place.name.name}[${loop.name}]`;
  report.error("PPL501", place.span, `${place.name.name} is given anew in every iteration of the loop over ${loop.name}`, {
    label: `did you mean ${text}?`,
    notes: [`write ${kind === "~" ? `${text} ~ …` : `${kind} ${text}`}, or move the statement out of the loop`],
  });
}

function givePart(c: Context, kind: Kind, place: Place, typeOf: () => ValueType): ValueType {
  const { report, root } = c.session;
  const name = place.name.name;
  const facts = placeFacts(c, place);
  const home = kind === "let" ? homeOf(c, facts.varies) : { scope: root, loops: [] };
  const found = home.scope.here(name) ?? (kind === "let" ? visibleArray(c, name) : undefined);
  let entry = found && !found.unknown ? found : undefined;
  if (entry && (entry.kind !== kind || (!entry.elements && !entry.pending))) {
    if (entry.kind === kind)
      report.error("PPL504", place.span, `${name} is given whole on ${report.line(entry.span, place.span)}`, {
        label: "its elements cannot be given again",
      });
    else definedTwice(c, entry, place);
    typeOf();
    return unknownType;
  }
  if (!entry) {
    if (kind === "let" && shadows(c, home.scope, place)) {
      typeOf();
      return unknownType;
    }
    entry = home.scope.set({ kind, name, span: place.name.span, type: unknownType, used: kind !== "let", loops: home.loops });
    c.session.entries.push(entry);
  }
  const repeated = kind === "let" ? undefined : c.loops.find((l) => !facts.varies.has(l.key));
  if (repeated) repeatedPlace(c, place, repeated.name);
  const good = addWriter(c, entry, facts, place.span);
  const value = typeOf();
  const staged = kind === "predict" ? { ...value, stage: "predict" as const } : value;
  if (good) addElements(c, entry, facts, { ...staged, range: undeclared(staged.range) }, place.span);
  else if (!isUnknown(value)) entry.type = { ...unknownType, stage: laterStage(entry.type.stage, staged.stage) };
  return staged;
}
/** An array begun in a block around this one: let s[1] = … before the loop. */
function visibleArray(c: Context, name: string): Entry | undefined {
  const entry = c.scope.get(name);
  return entry?.kind === "let" && (entry.elements || entry.pending) ? entry : undefined;
}

export function repeatedPlace(c: Context, place: Place, loop: string): void {
  const { report } = c.session;
  c.session.mentioned.add(loop);
  report.error("PPL501", place.span, `${report.text(place.span)} is given anew in every iteration of the loop over ${loop}`, {
    label: `${loop} is not among its subscripts`,
    notes: ["every element has exactly one ~ or let"],
  });
}
