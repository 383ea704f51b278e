// Which arrays of a loop are recurrences: lets that, directly or by way of other lets of the loop, read what they write.
import { type Expression, eachChild, eachLoopExpression, type ForStatement, type Statement } from "../language/ast.ts";

/** The statements directly inside one. */
export function statementsOf(s: Statement): readonly Statement[] {
  if (s.kind === "for") return s.body;
  if (s.kind === "if") return [...s.then, ...(s.else ?? [])];
  return [];
}

/** Names of indexed lets in the loop that depend on other elements of themselves. `let a[i] = …; let b[i] = a[i]` is none: b reads a's element
 *  of the same iteration, and a does not read b. */
export function recurrences(loop: ForStatement): ReadonlySet<string> {
  const reads = new Map<string, Set<string>>();
  const arrays = new Set<string>();
  const visit = (s: Statement): void => {
    if (s.kind === "let") {
      const name = s.place.name.name;
      if (s.place.subscripts.length > 0) arrays.add(name);
      const into = reads.get(name) ?? new Set<string>();
      eachNameIn(s.value, (n) => into.add(n));
      reads.set(name, into);
    }
    statementsOf(s).forEach(visit);
  };
  visit(loop);
  return new Set([...arrays].filter((a) => reaches(reads, a, a)));
}

function reaches(reads: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const stack = [from];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    for (const next of reads.get(name) ?? []) {
      if (next === to) return true;
      if (!seen.has(next)) {
        seen.add(next);
        stack.push(next);
      }
    }
  }
  return false;
}

/** Every name that an expression reads. */
export function eachNameIn(e: Expression, f: (name: string) => void): void {
  if (e.kind === "name") f(e.name);
  if (e.kind === "comprehension") for (const l of e.loops) eachLoopExpression(l, (x) => eachNameIn(x, f));
  eachChild(e, (child) => eachNameIn(child, f));
}
