// Guides whose draws read earlier ones of the same name: the iterations of their loops are written out, to be drawn one after the other
// (language.md rule 48). Given values need none of this: every element is there.

import { PRIOR } from "../check/restated.ts";
import {
  type AuxStatement,
  type Expression,
  eachChild,
  type ForStatement,
  type LoopIndex,
  type SampleStatement,
  type Statement,
  type Subscript,
} from "../language/ast.ts";
import type { Context } from "./context.ts";
import { loopValues } from "./evaluate.ts";
import { namesIn, statementsOf } from "./recurrence.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { rangeValues } from "./rows.ts";

/** Steps are written out, not run: each takes its part of the program. */
const MOST_STEPS = 1000;

/** The statement with its loops in which a draw reads others of its own array as one loop for each step. `c`: the block around it. */
export function inOrder(c: Context, s: Statement): { readonly statements: readonly Statement[]; readonly isOrdered: boolean } {
  if (s.kind === "if") {
    const [then, otherwise] = [allInOrder(c, s.then), allInOrder(c, s.else ?? [])];
    const isOrdered = then.isOrdered || otherwise.isOrdered;
    return { isOrdered, statements: isOrdered ? [{ ...s, then: then.statements, else: otherwise.statements }] : [s] };
  }
  if (s.kind === "sample" || s.kind === "aux") refuseRange(s);
  if (s.kind !== "for") return { statements: [s], isOrdered: false };
  const [loop, ...inner] = s.loops;
  const within: readonly Statement[] = inner.length > 0 ? [{ ...s, loops: inner }] : s.body;
  const below = allInOrder(c, within);
  const carries = isCarried(loop.variable.name, s.body);
  if (!carries)
    return { statements: below.isOrdered ? [{ ...s, loops: [loop], body: below.statements }] : [s], isOrdered: below.isOrdered };
  return {
    isOrdered: true,
    statements: stepsOf(c, loop).map(
      (step): ForStatement => ({ ...s, loops: [{ ...loop, by: undefined, over: justOne(loop, step) }], body: below.statements }),
    ),
  };
}

function allInOrder(
  c: Context,
  body: readonly Statement[],
): { readonly statements: readonly Statement[]; readonly isOrdered: boolean } {
  const parts = body.map((s) => inOrder(c, s));
  return { statements: parts.flatMap((p) => p.statements), isOrdered: parts.some((p) => p.isOrdered) };
}

/** Elements of one statement are drawn together. */
function refuseRange(s: SampleStatement | AuxStatement): void {
  const { place } = s;
  if (!place?.subscripts.some((x) => x.kind === "range")) return;
  if (reads(s.distribution.call, place.name.name))
    reject(bindCodes.notYet, s.span, `elements of ${place.name.name} that read others of theirs are drawn one after the other`, {
      notes: [`write a loop over them: for t in … { ${place.name.name}[t] ~ … }`],
    });
}

/** What is restated is no value: prior(z) reads what the model's statement does. */
const isRestated = (e: Expression): boolean => e.kind === "call" && e.callee.name === PRIOR;
function reads(e: Expression, name: string): boolean {
  if (e.kind === "name") return e.name === name;
  let found = false;
  if (!isRestated(e)) eachChild(e, (child) => (found ||= reads(child, name)));
  return found;
}

function justOne(loop: LoopIndex, step: number): LoopIndex["over"] {
  const literal: Expression = { kind: "number", value: step, integer: true, text: String(step), span: loop.over.span };
  return { kind: "range", lower: literal, upper: literal, span: loop.over.span };
}

/** What the variable runs over, which must not depend on the loops around. */
function stepsOf(c: Context, loop: LoopIndex): readonly number[] {
  const depends = (e: Expression | undefined): boolean => e !== undefined && namesIn(e).some((name) => !c.scope.get(name));
  const { over, by } = loop;
  if ((over.kind === "range" ? depends(over.lower) || depends(over.upper) : depends(over)) || depends(by))
    reject(bindCodes.notYet, loop.span, "draws in order in a loop whose range depends on another loop are not built yet");
  const { values } = loopValues({ ...c, rows: [] }, loop);
  const [lower, upper, step] = values.kind === "range" ? values.bounds.map((t) => t.values[0]) : [];
  const list = values.kind === "list" ? values.list : at(loop.span, () => rangeValues(lower, upper, step));
  if (list.length > MOST_STEPS)
    reject(bindCodes.notYet, loop.span, `${list.length} steps in order: a guide draws at most ${MOST_STEPS} one after the other`);
  return Array.from(list);
}

/** Whether a draw in the body reads elements of an array that the body draws which are others along this variable. */
function isCarried(variable: string, body: readonly Statement[]): boolean {
  const places = placesIn(body);
  let found = false;
  const look = (e: Expression): void => {
    if (isRestated(e)) return;
    const name = e.kind === "index" ? e.base : e;
    if (name.kind !== "name" || !places.has(name.name)) return eachChild(e, look);
    const subscripts = e.kind === "index" ? e.subscripts : [];
    for (const own of places.get(name.name) ?? []) found ||= own.some((s, k) => differs(s, subscripts[k], variable));
    for (const s of subscripts) for (const x of expressionsOf(s)) look(x);
  };
  const visit = (s: Statement): void => {
    if (s.kind === "sample" || s.kind === "aux") look(s.distribution.call);
    if (s.kind === "let") look(s.value);
    for (const x of statementsOf(s)) visit(x);
  };
  for (const s of body) visit(s);
  return found;
}

/** The subscripts by which each array is drawn. */
function placesIn(body: readonly Statement[]): Map<string, (readonly Subscript[])[]> {
  const places = new Map<string, (readonly Subscript[])[]>();
  const visit = (s: Statement): void => {
    if ((s.kind === "sample" || s.kind === "aux") && s.place && s.place.subscripts.length > 0) {
      const { name } = s.place.name;
      places.set(name, [...(places.get(name) ?? []), s.place.subscripts]);
    }
    for (const x of statementsOf(s)) visit(x);
  };
  for (const s of body) visit(s);
  return places;
}

/** Along the variable: what does not mention it is the same in all steps. */
function differs(own: Subscript, read: Subscript | undefined, variable: string): boolean {
  const mentions = (s: Subscript | undefined): boolean =>
    s !== undefined && expressionsOf(s).some((e) => namesIn(e).includes(variable));
  return (mentions(own) || mentions(read)) && (read === undefined || shownAs(own) !== shownAs(read));
}
const expressionsOf = (s: Subscript): readonly Expression[] =>
  s.kind === "at" ? [s.value] : s.kind === "range" ? [s.lower, s.upper].filter((e) => e !== undefined) : [];

/** The same for what is written alike. */
const shownAs = (s: Subscript): string => JSON.stringify(s, (key, value) => (key === "span" ? undefined : value));
