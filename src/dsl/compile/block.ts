// Statements that any block may hold: let, for, if, return. Loops are distributed over their statements, each of which is lowered
// once for all its rows; a let that reads its own earlier elements is run element by element, when it depends on data alone.
import { constantOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type {
  Expression,
  ForStatement,
  IfStatement,
  LetStatement,
  LoopIndex,
  Place,
  QuantityStatement,
  Statement,
} from "../language/ast.ts";
import { type Context, enterLoop, inner } from "./context.ts";
import { evaluate, loopValues } from "./evaluate.ts";
import { dataTable } from "./index-expression.ts";
import { eachNameIn, recurrences, statementsOf } from "./recurrence.ts";
import { bindCodes, reject } from "./rejection.ts";
import { overRows, type Rows, restrict, rowCount, rowTable } from "./rows.ts";
import { type Coordinates, PieceArray, Scope, Sequence } from "./scope.ts";

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
    switch (s.kind) {
      case "let":
        executeLet(c, s);
        break;
      case "for":
        executeFor(c, s, visit);
        break;
      case "if":
        if (returns(s)) return executeReturningIf(c, s, statements.slice(i + 1), visit);
        executeIf(c, s, visit);
        break;
      case "return":
        return evaluate(c, s.value);
      default:
        visit(c, s);
    }
  }
  return undefined;
}

const returns = (s: Statement): boolean => s.kind === "return" || statementsOf(s).some(returns);

// ---------------------------------------------------------------- let

export function executeLet(c: Context, s: LetStatement | QuantityStatement): void {
  const { name } = s.place.name;
  if (s.place.subscripts.length === 0) {
    c.scope.value(name, evaluate(c, s.value));
    return;
  }
  const open = c.scope.get(name);
  if (open?.kind === "sequence") {
    const value = evaluate(c, s.value);
    if (constantOf(value) === null) {
      reject(bindCodes.notYet, s.span, `${name} is a recurrence on latents`, {
        label: "reads its own earlier elements",
        notes: ["scans are not built yet; a recurrence on data alone runs"],
      });
    }
    open.sequence.set(
      s.place.subscripts.map((sub) => constantIndex(c, sub, s.place)),
      value,
      s.span,
    );
    return;
  }
  const home = homeOf(c, s.place);
  const rows = rowsWithin(c, home, s.place);
  const { coordinates, count } = placeCoordinates(c, s.place, rows);
  const value = evaluate(c, s.value);
  const [over] = overRows(c.b, [value], rows);
  const perRow = count / rowCount(rows);
  const element = perRow === 1 ? shapeOf(value) : shapeOf(value).slice(rangeAxes(s.place));
  arrayAt(home, name).add(coordinates, c.b.reshape(over, [count, ...element]), s.span);
}

const rangeAxes = (p: Place): number => p.subscripts.filter((s) => s.kind === "range").length;

function constantIndex(c: Context, s: Place["subscripts"][number], place: Place): number {
  const value = s.kind === "at" ? constantOf(evaluate(c, s.value)) : null;
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
function homeOf(c: Context, place: Place): Scope {
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

function namesIn(e: Expression): string[] {
  const out: string[] = [];
  eachNameIn(e, (name) => out.push(name));
  return out;
}

/** The axes of loops inside `home`; those outside stay symbolic. */
function rowsWithin(c: Context, home: Scope, place: Place): Rows {
  const outside = new Set(home.symbols());
  const rows = c.rows.filter((axis) => axis.ordinals.some((o) => !outside.has(o.symbol)));
  if (rows.some((axis) => axis.ordinals.some((o) => outside.has(o.symbol)))) {
    reject(bindCodes.notYet, place.span, `${place.name.name} has a width that varies with a loop around it`, {
      notes: [`subscript it by that loop's variable too`],
    });
  }
  return rows;
}

/** 1-based coordinates of the elements that a place names, over the rows (row-major, ranges inside the row). */
export function placeCoordinates(
  c: Context,
  place: Place,
  rows: Rows,
): { readonly coordinates: Coordinates; readonly count: number } {
  const { b } = c;
  const subscripts = place.subscripts.map((s): Value => {
    if (s.kind === "all") return reject(bindCodes.notYet, s.span, "write the range of the elements that are given: 1..K");
    if (s.kind === "at") return evaluate(c, s.value);
    if (!s.lower || !s.upper) return reject(bindCodes.shape, s.span, "the range of the elements that are given needs both ends");
    const [low, high] = [constantOf(evaluate(c, s.lower)), constantOf(evaluate(c, s.upper))];
    if (!low || !high)
      return reject(bindCodes.notYet, s.span, "the range of the elements that are given must be the same in every row");
    return b.tensor(
      Float64Array.from({ length: Math.max(0, high[0] - low[0] + 1) }, (_, i) => low[0] + i),
      [Math.max(0, high[0] - low[0] + 1)],
      "int",
    );
  });
  const widths = subscripts.map((s) => shapeOf(s));
  const inside = widths.flat();
  let axis = 0;
  const spread = subscripts.map((s, i) => {
    const at = axis;
    axis += widths[i].length;
    const shape = inside.map((n, k) => (k >= at && k < at + widths[i].length ? n : 1));
    return b.broadcastTo(b.reshape(s, shape), inside);
  });
  const count = rowCount(rows) * sizeOf(inside);
  const coordinates = spread.map((s, i) => {
    const table = constantOf(b.cast(b.reshape(overRows(b, [s], rows)[0], [count]), "int"));
    const numbers = table ?? materialise(c, overRows(b, [s], rows)[0]);
    if (numbers === null)
      return reject(bindCodes.notYet, place.subscripts[i].span, "the index on the left must be known from the data");
    const bad = numbers.findIndex((v: number) => !Number.isInteger(v) || v < 1);
    if (bad >= 0)
      reject(bindCodes.index, place.subscripts[i].span, `index ${numbers[bad]} on the left`, { label: "indices start at 1" });
    return Float64Array.from(numbers);
  });
  return { coordinates, count };
}

/** A repeated scalar is a view, not a constant: its elements. */
function materialise(c: Context, v: Value): Float64Array | null {
  const table = rowTable(c.b, c.b.reduceMin(v), []);
  return table === null ? null : new Float64Array(sizeOf(shapeOf(v))).fill(table.values[0]);
}

// ---------------------------------------------------------------- for

function executeFor(c: Context, s: ForStatement, visit: Visitor): void {
  const own = recurrences(s);
  if (own.size > 0) {
    const sequences = [...own].map((name) => {
      const begun = c.scope.get(name);
      const sequence = new Sequence(name, begun?.kind === "array" ? begun.array : undefined);
      return { name, sequence, home: c.scope.home(name) ?? c.scope };
    });
    const scope = new Scope(c.scope);
    for (const { name, sequence } of sequences) scope.set(name, { kind: "sequence", sequence });
    runSequentially({ ...c, scope }, s, own);
    for (const { name, sequence, home } of sequences) {
      const piece = sequence.finish(c.b);
      if (piece) arrayAt(home, name).add(piece.coordinates, piece.value, s.span);
    }
  }
  let context = c;
  for (const loop of s.loops) context = enterFor(context, loop);
  if (rowCount(context.rows) === 0) return;
  const rest = own.size === 0 ? s.body : without(s.body, own);
  const value = executeBlock(context, rest, visit);
  if (value !== undefined) reject(bindCodes.notYet, s.span, "return inside a loop");
}

function enterFor(c: Context, loop: LoopIndex): Context {
  const { name, values } = loopValues(c, loop);
  return enterLoop(c, loop.variable.name, name, values);
}

/** The statements less the lets that a recurrence has given. */
function without(statements: readonly Statement[], names: ReadonlySet<string>): Statement[] {
  return statements.flatMap((s): Statement[] => {
    if (s.kind === "let" && names.has(s.place.name.name) && s.place.subscripts.length > 0) return [];
    if (s.kind === "for") return [{ ...s, body: without(s.body, names) }];
    if (s.kind === "if") return [{ ...s, then: without(s.then, names), ...(s.else ? { else: without(s.else, names) } : {}) }];
    return [s];
  });
}

/** One iteration after the other, loop variables being numbers. Only lets matter. */
function runSequentially(c: Context, s: ForStatement, names: ReadonlySet<string>, loop = 0): void {
  if (loop === s.loops.length) {
    const scope = new Scope(c.scope);
    executeBlock({ ...c, scope }, s.body.filter(isLetOrControl), (x, inside) => {
      if (inside.kind === "for") runSequentially(x, inside, names);
    });
    return;
  }
  const { values } = loopValues({ ...c, rows: [] }, s.loops[loop]);
  const list = values.kind === "list" ? values.list : numbersOf(values.bounds);
  for (const v of list) {
    const scope = new Scope(c.scope);
    scope.value(s.loops[loop].variable.name, c.b.constant(v, "int"));
    runSequentially({ ...c, rows: [], scope }, s, names, loop + 1);
  }
}

const isLetOrControl = (s: Statement): boolean => s.kind === "let" || s.kind === "if" || s.kind === "for";

function numbersOf([lower, upper, step]: readonly { readonly values: ArrayLike<number> }[]): number[] {
  const out: number[] = [];
  for (let v = lower.values[0]; step.values[0] > 0 ? v <= upper.values[0] : v >= upper.values[0]; v += step.values[0])
    out.push(v);
  return out;
}

// ---------------------------------------------------------------- if

function executeIf(c: Context, s: IfStatement, visit: Visitor): void {
  const table = conditionTable(c, s);
  const branch = (statements: readonly Statement[], keep: boolean): void => {
    if (table.extents.every((n) => n === 1)) {
      if ((table.values[0] !== 0) === keep) executeBlock(inner(c), statements, visit);
      return;
    }
    const rows = restrict(c.rows, table, keep);
    if (rowCount(rows) > 0) executeBlock(inner({ ...c, rows }), statements, visit);
  };
  branch(s.then, true);
  branch(s.else ?? [], false);
}

function conditionTable(c: Context, s: IfStatement) {
  const condition = evaluate(c, s.condition);
  if (shapeOf(condition).length !== 0)
    return reject(bindCodes.shape, s.condition.span, "an if needs one condition, and this is an array", {
      notes: ["use c ? a : b elementwise"],
    });
  return dataTable(c, condition, s.condition.span, "the condition of if");
}

/** if … { return a } else { return b }, also where what follows is the other branch. */
function executeReturningIf(c: Context, s: IfStatement, rest: readonly Statement[], visit: Visitor): Value | undefined {
  const table = conditionTable(c, s);
  const branch = (extra: Context, own: readonly Statement[] | undefined): Value | undefined =>
    executeBlock(inner(extra), [...(own ?? []), ...rest], visit);
  if (table.values.every((v) => v !== 0)) return branch(c, s.then);
  if (table.values.every((v) => v === 0)) return branch(c, s.else);
  const condition = evaluate(c, s.condition);
  const then = branch({ ...c, guards: [...c.guards, condition] }, s.then);
  const otherwise = branch({ ...c, guards: [...c.guards, c.b.not(condition)] }, s.else);
  if (!then || !otherwise) return reject(bindCodes.constant, s.span, "one branch ends without return");
  return c.b.select(condition, then, otherwise);
}
