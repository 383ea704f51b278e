// Names that are read before all that gives them has run: elements of a recurrence of ~, and what a recurrence of lets reads of its own loop.
import {
  type Expression,
  eachLoopExpression,
  type ForStatement,
  type LetStatement,
  type QuantityStatement,
  type Statement,
  type TypeExpression,
} from "../language/ast.ts";
import { namesIn, recurrences, statementsOf } from "./recurrence.ts";

/** The name that a statement gives, or elements of it; undefined where it gives none of those in question. */
export type Gives = (s: Statement) => string | undefined;

/** Names that are read above the last statement that gives them, or by it, or by lets that run before it. `statements`: of the whole model. */
export function readAhead(statements: readonly Statement[], gives: Gives): Set<string> {
  const last = new Map<string, number>();
  const reads = new Map<string, number>();
  let place = 0;
  const visit = (s: Statement): void => {
    place++;
    const given = gives(s);
    if (given !== undefined) last.set(given, place);
    for (const name of namesReadBy(s)) if (!reads.has(name)) reads.set(name, place);
    statementsOf(s).forEach(visit);
  };
  statements.forEach(visit);
  const ahead = new Set(
    [...last].filter(([name, at]) => (reads.get(name) ?? Number.POSITIVE_INFINITY) <= at).map(([name]) => name),
  );
  for (const loop of statements.flatMap(loopsIn)) for (const name of neededEarly(loop, gives)) ahead.add(name);
  return ahead;
}

/** The loops of a statement, itself included. */
export const loopsIn = (s: Statement): ForStatement[] => [...(s.kind === "for" ? [s] : []), ...statementsOf(s).flatMap(loopsIn)];

/** Names given in a loop that its recurrences of lets read, which run before, or that wait for one another by way of lets or of other such names, or
 *  of which one statement reads what another one further down gives. */
export function neededEarly(loop: ForStatement, gives: Gives): Set<string> {
  const reads = new Map<string, Set<string>>();
  const given = new Set<string>();
  const indirect = new Map<string, Set<string>>();
  const readThemselves = new Set<string>();
  const out = new Set<string>();
  const add = (to: Map<string, Set<string>>, name: string, names: readonly string[]): void => {
    to.set(name, new Set([...(to.get(name) ?? []), ...names]));
  };
  const visit = (s: Statement): void => {
    const own = gives(s);
    const name = own ?? (isLet(s) ? s.place.name.name : undefined);
    if (own !== undefined) {
      given.add(own);
      if (readThemselves.has(own)) out.add(own);
      if (namesReadBy(s).includes(own)) readThemselves.add(own);
    }
    if (name !== undefined) {
      const names = namesReadBy(s);
      add(reads, name, names);
      // What reads itself alone needs nobody else.
      add(
        indirect,
        name,
        names.filter((n) => n !== name),
      );
    }
    statementsOf(s).forEach(visit);
  };
  loop.body.forEach(visit);
  const { needed } = recurrences(loop);
  for (const name of given) {
    if (needed.has(name)) out.add(name);
    const seen = new Set(indirect.get(name));
    for (const n of seen) for (const next of (n === name ? undefined : reads.get(n)) ?? []) seen.add(next);
    if (seen.has(name)) out.add(name);
  }
  return out;
}

const isLet = (s: Statement): s is LetStatement | QuantityStatement => s.kind === "let" || s.kind === "quantity";

/** What a statement itself reads, without those inside of it. */
export function namesReadBy(s: Statement): string[] {
  const out: string[] = [];
  const read = (e: Expression): void => void out.push(...namesIn(e));
  const readType = (t: TypeExpression | undefined): void => {
    if (t?.bounds?.lower) read(t.bounds.lower);
    if (t?.bounds?.upper) read(t.bounds.upper);
    t?.sizes.forEach(read);
  };
  switch (s.kind) {
    case "let":
    case "quantity":
      read(s.value);
      break;
    case "sample":
      for (const a of s.distribution.call.arguments) read(a.value);
      readType(s.type);
      if (!s.place) read(s.target);
      break;
    case "predict":
      for (const a of s.distribution?.call.arguments ?? []) read(a.value);
      readType(s.type);
      if (s.value) read(s.value);
      break;
    case "declare":
      readType(s.type);
      break;
    case "factor":
    case "observe":
      read(s.value);
      break;
    case "if":
      read(s.condition);
      break;
    case "for":
      for (const l of s.loops) eachLoopExpression(l, read);
      break;
    default:
      return out;
  }
  if ("place" in s && s.place)
    for (const x of s.place.subscripts)
      if (x.kind === "at") read(x.value);
      else if (x.kind === "range") for (const e of [x.lower, x.upper]) if (e) read(e);
  return out;
}

/** The top-level statements that mention a name, read or given: the first of them. */
export function firstMention(statements: readonly Statement[], name: string, gives: Gives): number {
  const mentions = (s: Statement): boolean =>
    gives(s) === name || namesReadBy(s).includes(name) || statementsOf(s).some(mentions);
  return statements.findIndex(mentions);
}
