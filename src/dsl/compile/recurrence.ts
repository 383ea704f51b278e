// Which arrays of a loop are recurrences: lets that, directly or by way of other lets of the loop, read what they write.
import { type Expression, eachChild, eachLoopExpression, type ForStatement, type Statement } from "../language/ast.ts";

/** The statements directly inside one. */
export function statementsOf(s: Statement): readonly Statement[] {
  if (s.kind === "for") return s.body;
  if (s.kind === "if") return [...s.then, ...(s.else ?? [])];
  return [];
}

/** `arrays`: the indexed lets of a loop that depend on other elements of themselves, and those that they read; they are run one iteration after
 *  the other. `needed`: all names that these read. In `let a[i] = …; let b[i] = a[i]` there are none: a does not read b. */
export function recurrences(loop: ForStatement): { readonly arrays: ReadonlySet<string>; readonly needed: ReadonlySet<string> } {
  const reads = new Map<string, Set<string>>();
  const indexed = new Set<string>();
  /** `around`: what the conditions and bounds around a let read decides on its value too. */
  const visit = (s: Statement, around: readonly string[]): void => {
    if (s.kind === "let") {
      const name = s.place.name.name;
      if (s.place.subscripts.length > 0) indexed.add(name);
      reads.set(name, new Set([...(reads.get(name) ?? []), ...around, ...namesIn(s.value)]));
    }
    const own = s.kind === "if" ? namesIn(s.condition) : s.kind === "for" ? s.loops.flatMap(namesInLoop) : [];
    for (const x of statementsOf(s)) visit(x, [...around, ...own]);
  };
  for (const s of loop.body) visit(s, []);
  const starts = [...indexed].filter((a) => closure(reads, reads.get(a) ?? []).has(a));
  const needed = closure(reads, starts);
  return { arrays: new Set([...indexed].filter((a) => needed.has(a))), needed };
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
