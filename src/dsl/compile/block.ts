// Statements that any block may hold: let, for, if, return. Loops are distributed over their statements, each of which is lowered
// once for all its rows; a let that reads its own earlier elements is run element by element, when it depends on data alone.

import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type {
  Expression,
  ForStatement,
  IfStatement,
  LetStatement,
  LoopIndex,
  Place,
  PredictStatement,
  QuantityStatement,
  Statement,
} from "../language/ast.ts";
import { type Context, enterLoop, inner } from "./context.ts";
import { evaluate, loopValues } from "./evaluate.ts";
import { commonWidth, dataTable } from "./index-expression.ts";
import { dependsOnLatents, knownOf } from "./known.ts";
import { namesIn, recurrences, statementsOf } from "./recurrence.ts";
import { at, bindCodes, reject, VaryingWidth } from "./rejection.ts";
import { overRows, type Rows, type RowTable, restrict, rowCount, rowTable } from "./rows.ts";
import { DependsOnLatents, runRecurrences, runSequentially } from "./run-recurrence.ts";
import { type Coordinates, PieceArray, Scope } from "./scope.ts";

/** What a block's owner does with statements that are not its own. */
export type Visitor = (c: Context, s: Statement) => void;

/** The value that a function's or a density's body gives. */
export function executeBody(c: Context, body: Expression | readonly Statement[], span: SourceSpan): Value {
  if (!isStatements(body)) return evaluate(c, body);
  const value = executeBlock(c, body, (_c, s) => reject(bindCodes.constant, s.span, "this statement cannot stand in a function"));
  return value ?? reject(bindCodes.constant, span, "the function ends without return");
}

const isStatements = (body: Expression | readonly Statement[]): body is readonly Statement[] => Array.isArray(body);

/** Runs the statements; the value of a `return`, if there is one. */
export function executeBlock(c: Context, statements: readonly Statement[], visit: Visitor): Value | undefined {
  for (let i = 0; i < statements.length; i++) {
    const s = statements[i];
    if (s.kind === "return") return evaluate(c, s.value);
    if (s.kind === "if" && returns(s)) return executeReturningIf(c, s, statements.slice(i + 1), visit);
    if (!isLocal(s)) execute(c, s, visit);
    else if (executeLocal(c, s, statements.slice(i), visit) === "by width") return undefined;
  }
  return undefined;
}

type Local = LetStatement | QuantityStatement | PredictStatement;
/** Gives a name to a value of the row. */
const isLocal = (s: Statement): s is Local =>
  (s.kind === "let" || s.kind === "quantity" || s.kind === "predict") && s.place.subscripts.length === 0;

/** Where the value's width varies with the row, the name stands for one of each width: `rest`, the statement and what follows it, is run
 *  for the rows of each width apart. */
function executeLocal(c: Context, s: Local, rest: readonly Statement[], visit: Visitor): "by width" | undefined {
  try {
    if (s.kind === "let") executeLet(c, s);
    else visit(c, s);
    return undefined;
  } catch (e) {
    if (!(e instanceof VaryingWidth) || c.scan || rest.some(returns)) throw e;
    for (const rows of rowsByWidth(c, e)) executeBlock(inner({ ...c, rows }), rest, visit);
    return "by width";
  }
}

function execute(c: Context, s: Statement, visit: Visitor): void {
  switch (s.kind) {
    case "let":
      return byWidth(c, (rows) => executeLet(rows, s));
    case "for":
      return executeFor(c, s, visit);
    case "if":
      return executeIf(c, s, visit);
    default:
      return byWidth(c, (rows) => visit(rows, s));
  }
}

/** Runs a statement; where a width varies with the row (language.md rule 28), for the rows of each width apart. */
function byWidth(c: Context, run: (c: Context) => void): void {
  try {
    run(c);
  } catch (e) {
    if (!(e instanceof VaryingWidth) || c.scan) throw e;
    for (const rows of rowsByWidth(c, e)) byWidth({ ...c, rows }, run);
  }
}

function rowsByWidth(c: Context, e: VaryingWidth): Rows[] {
  const { extents, values } = e.widths;
  // The width of something inside a comprehension of the statement, or of one row alone, cannot be split further.
  if (extents.slice(c.rows.length).some((n) => n !== 1) || c.rows.length === 0) throw e;
  const own = extents.slice(0, c.rows.length);
  return [...new Set(values)].map((width) =>
    restrict(c.rows, { extents: own, values: Float64Array.from(values, (v) => (v === width ? 1 : 0)) }, true),
  );
}

const returns = (s: Statement): boolean => s.kind === "return" || statementsOf(s).some(returns);

// ---------------------------------------------------------------- let

/** A let that reads predictions, in a density, which knows nothing of them. */
const isLeftOut = (c: Context, s: Statement): boolean => isLet(s) && !c.session.predicts && c.model.stages.get(s) === "predict";

export function executeLet(c: Context, s: LetStatement | QuantityStatement): void {
  const { name } = s.place.name;
  if (isLeftOut(c, s)) return;
  if (s.place.subscripts.length === 0) {
    c.scope.value(name, evaluate(c, s.value));
    return;
  }
  const open = c.scope.get(name);
  if (open?.kind === "scan") return open.array.write(c, s);
  if (open?.kind === "sequence") {
    const value = evaluate(c, s.value);
    if (knownOf(value) === null) throw new DependsOnLatents();
    open.sequence.set(
      s.place.subscripts.map((sub) => constantIndex(c, sub, s.place)),
      value,
      s.span,
    );
    return;
  }
  const home = homeOf(c, s.place);
  const rows = rowsWithin(c, home, s.place);
  const { coordinates, count, inside } = placeCoordinates(c, s.place, rows);
  const value = evaluate(c, s.value);
  const own = shapeOf(value);
  if (own.length > 0 && inside.some((n, k) => n !== own[k])) {
    reject(bindCodes.shape, s.span, `a value of shape [${own.join(", ")}] is given to elements of shape [${inside.join(", ")}]`);
  }
  const each = own.length === 0 ? c.b.broadcastTo(value, inside) : value;
  const [over] = overRows(c.b, [each], rows);
  arrayAt(home, name).add(coordinates, c.b.reshape(over, [count, ...own.slice(inside.length)]), s.span);
}

function constantIndex(c: Context, s: Place["subscripts"][number], place: Place): number {
  const value = s.kind === "at" ? knownOf(evaluate(c, s.value)) : null;
  if (value === null || value.length !== 1)
    return reject(bindCodes.notYet, s.span, `an element of ${place.name.name} is given by one integer a subscript`);
  return value[0];
}

/** The array of that name, made where it is first given. */
export function arrayAt(home: Scope, name: string): PieceArray {
  const found = home.get(name);
  if (found?.kind === "array") return found.array;
  const array = new PieceArray(name);
  home.set(name, { kind: "array", array });
  return array;
}

/** Where an array lives: the block around the outermost loop that binds one of its subscripts, or where it has been begun. */
export function homeOf(c: Context, place: Place): Scope {
  const begun = c.scope.home(place.name.name);
  if (begun) return begun;
  let home: Scope = c.scope;
  for (const s of place.subscripts) {
    const names =
      s.kind === "at"
        ? namesIn(s.value)
        : s.kind === "range"
          ? [...(s.lower ? namesIn(s.lower) : []), ...(s.upper ? namesIn(s.upper) : [])]
          : [];
    for (const name of names) {
      const loop = c.scope.loopOf(name);
      if (loop?.outer && loop.outer.depth < home.depth) home = loop.outer;
    }
  }
  return home;
}

/** The axes of loops inside `home`; those outside stay symbolic. */
export function rowsWithin(c: Context, home: Scope, place: Place): Rows {
  const outside = new Set(home.symbols());
  const rows = c.rows.filter((axis) => axis.ordinals.some((o) => !outside.has(o.symbol)));
  if (rows.some((axis) => axis.ordinals.some((o) => outside.has(o.symbol)))) {
    reject(bindCodes.notYet, place.span, `${place.name.name} has a width that varies with a loop around it`, {
      notes: [`subscript it by that loop's variable too`],
    });
  }
  return rows;
}

/** The elements that a place names, over the rows (row-major, ranges and index arrays inside the row). */
export interface Elements {
  /** 1-based. */
  readonly coordinates: Coordinates;
  readonly count: number;
  /** Axes in one row. */
  readonly inside: Shape;
}
export function placeCoordinates(c: Context, place: Place, rows: Rows): Elements {
  const { subscripts, inside } = placeSubscripts(c, place);
  const count = rowCount(rows) * sizeOf(inside);
  const coordinates = subscripts.map((s, i) => {
    const numbers = knownOf(overRows(c.b, [s], rows)[0]);
    if (numbers === null)
      return reject(bindCodes.notYet, place.subscripts[i].span, "the index on the left must be known from the data");
    const bad = numbers.findIndex((v: number) => !Number.isInteger(v) || v < 1);
    if (bad >= 0)
      reject(bindCodes.index, place.subscripts[i].span, `index ${numbers[bad]} on the left`, { label: "indices start at 1" });
    return Float64Array.from(numbers);
  });
  return { coordinates, count, inside };
}

/** The subscripts of a place in one row, each over the axes of all. */
export function placeSubscripts(c: Context, place: Place): { readonly subscripts: readonly Value[]; readonly inside: Shape } {
  const { b } = c;
  const own = place.subscripts.map((s): Value => {
    if (s.kind === "all") return reject(bindCodes.notYet, s.span, "write the range of the elements that are given: 1..K");
    if (s.kind === "at") return evaluate(c, s.value);
    if (!s.lower || !s.upper) return reject(bindCodes.shape, s.span, "the range of the elements that are given needs both ends");
    const lower = evaluate(c, s.lower);
    return b.add(lower, b.iota([commonWidth(c, lower, evaluate(c, s.upper), s.span)], 0));
  });
  const widths = own.map((s) => shapeOf(s));
  const inside = widths.flat();
  let axis = 0;
  const subscripts = own.map((s, i) => {
    const at = axis;
    axis += widths[i].length;
    const shape = inside.map((n, k) => (k >= at && k < at + widths[i].length ? n : 1));
    return b.broadcastTo(b.reshape(s, shape), inside);
  });
  return { subscripts, inside };
}

// ---------------------------------------------------------------- for

function executeFor(c: Context, s: ForStatement, visit: Visitor): void {
  if (c.sequential) return runSequentially(c, s, visit);
  const isLate = (x: Statement): boolean => c.session.late.has(x);
  if (!c.last && s.body.some((x) => holdsOne(x, isLate))) {
    executeFor(c, { ...s, body: pruned(s.body, (x) => !isLate(x)) }, visit);
    const last = pruned(s.body, (x) => isLate(x) || (x.kind === "let" && isLocal(x)));
    return executeFor({ ...c, last: true }, { ...s, body: last }, visit);
  }
  const leaves = (x: Statement): boolean => isLeftOut(c, x);
  if (s.body.some((x) => holdsOne(x, leaves))) return executeFor(c, { ...s, body: pruned(s.body, (x) => !leaves(x)) }, visit);
  const { arrays, needed } = recurrences(s);
  const isOwn = (x: Statement): boolean => isLet(x) && x.place.subscripts.length > 0 && arrays.has(x.place.name.name);
  const isNeeded = (x: Statement): boolean => isOwn(x) || (x.kind === "let" && isLocal(x) && needed.has(x.place.name.name));
  // Of loops written in one, some may carry the recurrence and others not.
  if (arrays.size > 0 && s.loops.length > 1) return executeFor(c, nested(s), visit);
  const carries = arrays.size > 0 && runRecurrences(c, { ...s, body: pruned(s.body, isNeeded) }, arrays, visit);
  let context = c;
  for (const loop of s.loops) context = enterFor(context, loop);
  if (rowCount(context.rows) === 0) return;
  const value = executeBlock(context, carries ? pruned(s.body, (x) => !isOwn(x)) : s.body, visit);
  if (value !== undefined) reject(bindCodes.notYet, s.span, "return inside a loop");
}

const nested = (s: ForStatement): ForStatement => ({
  ...s,
  loops: s.loops.slice(0, 1),
  body: [{ ...s, loops: s.loops.slice(1) }],
});

const holdsOne = (s: Statement, f: (s: Statement) => boolean): boolean => f(s) || statementsOf(s).some((x) => holdsOne(x, f));

const isLet = (s: Statement): s is LetStatement | QuantityStatement => s.kind === "let" || s.kind === "quantity";

export function enterFor(c: Context, loop: LoopIndex): Context {
  const { name, values } = loopValues(c, loop);
  return at(loop.span, () => enterLoop(c, loop.variable.name, name, values));
}

/** The statements that are kept, and the loops and ifs around them. */
export function pruned(statements: readonly Statement[], keep: (s: Statement) => boolean): Statement[] {
  return statements.flatMap((s): Statement[] => {
    if (s.kind === "for") return [{ ...s, body: pruned(s.body, keep) }];
    if (s.kind === "if") return [{ ...s, then: pruned(s.then, keep), ...(s.else ? { else: pruned(s.else, keep) } : {}) }];
    return keep(s) ? [s] : [];
  });
}

// ---------------------------------------------------------------- if

function executeIf(c: Context, s: IfStatement, visit: Visitor): void {
  const open = openCondition(c, s);
  if (open) return executeOpenIf(c, s, open, visit);
  const table = conditionTable(c, s);
  const everywhere = table.values.every((v: number) => (v !== 0) === (table.values[0] !== 0));
  if (c.scan && !everywhere) return executeGuarded(c, s, visit);
  if (table.extents.every((n) => n === 1) || (c.scan && everywhere)) {
    // One branch for all: its names are those of the block around.
    executeBlock(c, table.values[0] !== 0 ? s.then : (s.else ?? []), visit);
    return;
  }
  const branch = (statements: readonly Statement[], keep: boolean): void => {
    const rows = restrict(c.rows, table, keep);
    if (rowCount(rows) > 0) executeBlock(inner({ ...c, rows }), statements, visit);
  };
  branch(s.then, true);
  branch(s.else ?? [], false);
  joinNames(c, s);
}

/** A condition on discrete latents, of which each value takes its branch (language.md rule 25); undefined where data decide. */
function openCondition(c: Context, s: IfStatement): Value | undefined {
  const condition = evaluate(c, s.condition);
  return shapeOf(condition).length === 0 && dependsOnLatents(condition) && rowTable(c.b, condition, c.rows) === null
    ? condition
    : undefined;
}

/** Both branches in all rows: terms count where the condition holds. */
function executeOpenIf(c: Context, s: IfStatement, condition: Value, visit: Visitor): void {
  const { b } = c;
  const indexed = [...s.then, ...(s.else ?? [])].find((x) => x.kind === "let" && x.place.subscripts.length > 0);
  if (indexed)
    reject(bindCodes.notYet, indexed.span, "elements of an array are given in a branch that a discrete latent chooses", {
      notes: ["give them outside of the if, by c ? a : b"],
    });
  const when = (holds: Value): Value => (c.when ? b.and(c.when, holds) : holds);
  executeBlock(inner({ ...c, when: when(condition) }), s.then, visit);
  if (s.else) executeBlock(inner({ ...c, when: when(b.not(condition)) }), s.else, visit);
  joinNames(c, s);
}

/** Both branches in the same rows, each in those that it is for. */
function executeGuarded(c: Context, s: IfStatement, visit: Visitor): void {
  const condition = evaluate(c, s.condition);
  executeBlock(inner({ ...c, guards: [...c.guards, condition] }), s.then, visit);
  if (s.else) executeBlock(inner({ ...c, guards: [...c.guards, c.b.not(condition)] }), s.else, visit);
  joinNames(c, s);
}

/** Names that a branch chosen by row defines are its own in its rows; after the `if` each row has the value of its branch, and none where
 *  its branch gives none. */
function joinNames(c: Context, s: IfStatement): void {
  if (!givesNames(s)) return;
  const { b } = c;
  const condition = evaluate(c, s.condition);
  const [then, otherwise] = [namesOfBranch(c, s.then, condition), namesOfBranch(c, s.else ?? [], b.not(condition))];
  for (const name of new Set([...then.names(), ...otherwise.names()])) {
    const [p, q] = [then.own(name), otherwise.own(name)];
    const value = p && q ? b.select(condition, p.value, q.value) : (p ?? q)?.value;
    const given = (own: typeof p, here: Value): Value =>
      own ? (own.where ? b.and(here, own.where) : here) : b.constant(0, "bool");
    const everywhere = p && q && !p.where && !q.where;
    const where = everywhere ? undefined : b.or(given(p, condition), given(q, b.not(condition)));
    if (value) c.scope.set(name, { kind: "value", value, where });
  }
}

const givesNames = (s: Statement): boolean =>
  (s.kind === "let" && isLocal(s)) || (s.kind === "if" && statementsOf(s).some(givesNames));

/** What the lets of a branch give names to, where the guard holds. */
function namesOfBranch(c: Context, statements: readonly Statement[], guard: Value): Scope {
  const scope = new Scope(c.scope);
  giveNames({ ...c, scope, guards: [...c.guards, guard] }, statements);
  return scope;
}
function giveNames(c: Context, statements: readonly Statement[]): void {
  for (const s of statements) {
    if (s.kind === "let" && isLocal(s)) executeLet(c, s);
    if (s.kind !== "if" || !givesNames(s)) continue;
    if (openCondition(c, s)) {
      joinNames(c, s);
      continue;
    }
    const table = conditionTable(c, s);
    if (table.extents.every((n) => n === 1)) giveNames(c, table.values[0] !== 0 ? s.then : (s.else ?? []));
    else joinNames(c, s);
  }
}

function conditionTable(c: Context, s: IfStatement): RowTable {
  const condition = evaluate(c, s.condition);
  if (shapeOf(condition).length !== 0)
    return reject(bindCodes.shape, s.condition.span, "an if needs one condition, and this is an array", {
      notes: ["use c ? a : b elementwise"],
    });
  return dataTable(c, condition, s.condition.span, "the condition of if");
}

/** if … { return a } else { return b }, also where what follows is the other branch. */
function executeReturningIf(c: Context, s: IfStatement, rest: readonly Statement[], visit: Visitor): Value | undefined {
  const table = openCondition(c, s) ? undefined : conditionTable(c, s);
  const branch = (extra: Context, own: readonly Statement[] | undefined): Value | undefined =>
    executeBlock(inner(extra), [...(own ?? []), ...rest], visit);
  if (table?.values.every((v: number) => v !== 0)) return branch(c, s.then);
  if (table?.values.every((v: number) => v === 0)) return branch(c, s.else);
  const condition = evaluate(c, s.condition);
  const then = branch({ ...c, guards: [...c.guards, condition] }, s.then);
  const otherwise = branch({ ...c, guards: [...c.guards, c.b.not(condition)] }, s.else);
  if (!then || !otherwise) return reject(bindCodes.constant, s.span, "one branch ends without return");
  return c.b.select(condition, then, otherwise);
}
