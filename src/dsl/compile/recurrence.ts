// Which arrays of a loop are recurrences: lets that, directly or by way of other lets of the loop, read what they write.
import {
  type Expression,
  eachChild,
  eachLoopExpression,
  type ForStatement,
  type LetStatement,
  type LoopIndex,
  type QuantityStatement,
  type Statement,
  type Subscript,
} from "../language/ast.ts";

/** The statements directly inside one. */
export function statementsOf(s: Statement): readonly Statement[] {
  if (s.kind === "for") return s.body;
  if (s.kind === "if") return [...s.then, ...(s.else ?? [])];
  return [];
}

/** The lets of a loop, those of loops and branches inside included. */
export function letsOf(s: Statement): (LetStatement | QuantityStatement)[] {
  if (s.kind === "let" || s.kind === "quantity") return [s];
  return statementsOf(s).flatMap(letsOf);
}

/** Whether a turn of the loop reads elements of the arrays that another turn gives: false where every read, as every write, has the loop's
 *  variable as the same subscript, and of arrays that no write subscripts by it, which are others in each turn. */
export function carriedBy(
  loop: { readonly loops: readonly Pick<LoopIndex, "variable">[]; readonly body: readonly Statement[] },
  arrays: ReadonlySet<string>,
): boolean {
  if (loop.loops.length > 1) return true;
  const [{ variable }] = loop.loops;
  const all = loop.body.flatMap(letsOf).filter((s) => arrays.has(s.place.name.name));
  const mentions = (s: LetStatement | QuantityStatement): boolean =>
    s.place.subscripts.flatMap(expressionsOf).flatMap(namesIn).includes(variable.name);
  const shared = new Set(all.filter(mentions).map((s) => s.place.name.name));
  const own = all.filter((s) => shared.has(s.place.name.name));
  const isVariable = (s: Subscript | undefined): boolean =>
    s?.kind === "at" && s.value.kind === "name" && s.value.name === variable.name;
  const axes = new Map<string, number>();
  for (const { place } of own) {
    const axis = axes.get(place.name.name) ?? place.subscripts.findIndex(isVariable);
    if (!isVariable(place.subscripts[axis])) return true;
    axes.set(place.name.name, axis);
  }
  const crosses = (e: Expression): boolean => {
    if (e.kind === "name") return axes.has(e.name);
    if (e.kind === "index" && e.base.kind === "name" && axes.has(e.base.name)) {
      if (!isVariable(e.subscripts[axes.get(e.base.name)!])) return true;
      return e.subscripts.some((s) => expressionsOf(s).some(crosses));
    }
    let found = false;
    eachChild(e, (child) => {
      found ||= crosses(child);
    });
    return found;
  };
  return loop.body.some((s) => readBy(s).some(crosses));
}

const expressionsOf = (s: Subscript): Expression[] =>
  s.kind === "at" ? [s.value] : s.kind === "range" ? [...(s.lower ? [s.lower] : []), ...(s.upper ? [s.upper] : [])] : [];

/** What lets, conditions and bounds of a statement read. */
function readBy(s: Statement): Expression[] {
  if (s.kind === "let" || s.kind === "quantity") return [s.value, ...s.place.subscripts.flatMap(expressionsOf)];
  const own: Expression[] = s.kind === "if" ? [s.condition] : [];
  if (s.kind === "for") for (const l of s.loops) eachLoopExpression(l, (e) => own.push(e));
  return [...own, ...statementsOf(s).flatMap(readBy)];
}

/** `arrays`: the indexed lets of a loop that depend on other elements of themselves, or on elements that stand below them and so are of earlier
 *  turns, and those that they read; they are run one iteration after the other. `needed`: all names that these read. In
 *  `let a[i] = …; let b[i] = a[i]` there are none: a does not read b. */
export function recurrences(loop: ForStatement): { readonly arrays: ReadonlySet<string>; readonly needed: ReadonlySet<string> } {
  const reads = new Map<string, Set<string>>();
  const indexed = new Set<string>();
  /** `around`: what the conditions and bounds around a let read decides on its value too. */
  const visit = (s: Statement, around: readonly string[]): void => {
    if (s.kind === "let" || s.kind === "quantity") {
      const name = s.place.name.name;
      if (s.place.subscripts.length > 0) indexed.add(name);
      reads.set(name, new Set([...(reads.get(name) ?? []), ...around, ...namesIn(s.value)]));
    }
    const own = s.kind === "if" ? namesIn(s.condition) : s.kind === "for" ? s.loops.flatMap(namesInLoop) : [];
    for (const x of statementsOf(s)) visit(x, [...around, ...own]);
  };
  for (const s of loop.body) visit(s, []);
  const ahead = readAhead(loop);
  const starts = [...indexed].filter((a) => {
    const read = closure(reads, reads.get(a) ?? []);
    return ahead.has(a) || [...read].some((name) => name === a || (ahead.has(name) && !indexed.has(name)));
  });
  const needed = closure(reads, starts);
  return { arrays: new Set([...indexed].filter((a) => needed.has(a))), needed };
}

/** The lets that read, at places that vary, elements of an array that the loop gives further down, and not above on the way to them. */
function readAhead(loop: ForStatement): Set<string> {
  const found = new Set<string>();
  const lets = letsOf(loop);
  const last = new Map(lets.flatMap(({ place }, i) => (place.subscripts.length > 0 ? [[place.name.name, i]] : [])));
  let count = 0;
  const isAhead = (e: Expression, above: ReadonlySet<string>, i: number): boolean => {
    if (e.kind === "index" && e.base.kind === "name" && !above.has(e.base.name) && (last.get(e.base.name) ?? -1) > i) {
      if (e.subscripts.flatMap(expressionsOf).flatMap(namesIn).length > 0) return true;
    }
    let inside = false;
    eachChild(e, (child) => {
      inside ||= isAhead(child, above, i);
    });
    return inside;
  };
  /** The arrays given when the statements are done. */
  const walk = (statements: readonly Statement[], above: ReadonlySet<string>): ReadonlySet<string> => {
    const given = new Set(above);
    for (const s of statements) {
      if (s.kind === "let" || s.kind === "quantity") {
        const { name } = s.place.name;
        if (isAhead(s.value, given, count++)) found.add(name);
        if (s.place.subscripts.length > 0) given.add(name);
      }
      const blocks = s.kind === "if" ? [s.then, s.else ?? []] : [statementsOf(s)];
      for (const name of blocks.flatMap((block) => [...walk(block, new Set(given))])) given.add(name);
    }
    return given;
  };
  walk(loop.body, new Set());
  return found;
}

/** The names, what they read, what that reads, and so on. */
function closure(reads: ReadonlyMap<string, ReadonlySet<string>>, from: Iterable<string>): Set<string> {
  const seen = new Set(from);
  for (const name of seen) for (const next of reads.get(name) ?? []) seen.add(next);
  return seen;
}

/** Every name that an expression reads. */
export function namesIn(e: Expression): string[] {
  const out = e.kind === "name" ? [e.name] : [];
  eachChild(e, (child) => out.push(...namesIn(child)));
  return out;
}
function namesInLoop(loop: ForStatement["loops"][number]): string[] {
  const out: string[] = [];
  eachLoopExpression(loop, (e) => out.push(...namesIn(e)));
  return out;
}
