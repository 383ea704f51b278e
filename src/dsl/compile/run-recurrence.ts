// Recurrences: a loop of lets that read what another turn has given. On data one turn after the other, over latents as a loop of the program.
import type { ForStatement, LoopIndex, Place, Statement } from "../language/ast.ts";
import { arrayAt, enterFor, executeBlock, homeOf, placeCoordinates, rowsWithin, type Visitor } from "./block.ts";
import { type Context, inner } from "./context.ts";
import { loopValues } from "./evaluate.ts";
import { carriedBy, letsOf } from "./recurrence.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { type Rows, type RowTable, rangeValues, rowCount } from "./rows.ts";
import { Scan } from "./scan.ts";
import { inPlates, ScanLayout } from "./scan-layout.ts";
import { type PieceArray, Scope, Sequence } from "./scope.ts";

/** A recurrence on data alone turned out to read latents. */
export class DependsOnLatents extends Error {
  constructor() {
    super("a recurrence depends on latents");
  }
}

/** The arrays of a loop that read elements of one another, and the names that they need; `s` holds these statements alone. Whether they are given
 *  now: else each turn of this loop has arrays, or parts of arrays, of its own, and the recurrence is in a loop inside. */
export function runRecurrences(c: Context, s: ForStatement, own: ReadonlySet<string>, visit: Visitor): boolean {
  const known = letsOf(s).every((x) => !["latent", "predict"].includes(c.model.stages.get(x) ?? "data"));
  if (known && !c.scan) {
    try {
      runOnData(c, s, own, visit);
      return true;
    } catch (e) {
      if (!(e instanceof DependsOnLatents)) throw e;
    }
  }
  if (!carriedBy(s, own)) {
    if (s.body.some((x) => x.kind === "for" || x.kind === "if")) return false;
    // Elements of one array may be made of others that the same turn has given.
    const names = letsOf(s).map((x) => x.place.name.name);
    if (![...own].some((name) => names.indexOf(name) !== names.lastIndexOf(name))) refuseCircle(s, own);
  }
  if (c.scan) writeOut(c, s, visit);
  else runScan(c, s, own, visit);
  return true;
}

/** Reads of a turn's own elements by the lets that give them. */
function refuseCircle(s: ForStatement, own: ReadonlySet<string>): never {
  const [first] = letsOf(s).filter((x) => own.has(x.place.name.name));
  const { name } = first.place.name;
  return reject(bindCodes.index, first.span, `${name} is read before it is given`, {
    label: own.size === 1 ? "the element is made of itself" : `the elements of ${[...own].join(" and ")} are made of one another`,
    notes: ["a recurrence reads elements of earlier turns"],
  });
}

function runOnData(c: Context, s: ForStatement, own: ReadonlySet<string>, visit: Visitor): void {
  const scope = new Scope(c.scope);
  const sequences = [...own].map((name) => {
    const begun = c.scope.get(name);
    const sequence = new Sequence(name, begun?.kind === "array" ? begun.array : undefined);
    scope.set(name, { kind: "sequence", sequence });
    return { name, sequence, home: c.scope.home(name) ?? c.scope };
  });
  runSequentially({ ...c, scope, sequential: true }, s, visit);
  for (const { name, sequence, home } of sequences) {
    const piece = sequence.finish(c.b);
    if (piece) arrayAt(home, name).add(piece.coordinates, piece.value, s.span);
  }
}

/** One iteration after the other, loop variables being numbers. The loop holds lets alone: all else runs by rows afterwards. */
export function runSequentially(c: Context, s: ForStatement, visit: Visitor, loop = 0): void {
  if (loop === s.loops.length) {
    executeBlock(inner(c), s.body, visit);
    return;
  }
  const { values } = loopValues({ ...c, rows: [] }, s.loops[loop]);
  const steps = values.kind === "list" ? values.list : at(s.span, () => rangeValues(...firstOf(values.bounds)));
  for (const v of steps) {
    const scope = new Scope(c.scope);
    scope.value(s.loops[loop].variable.name, c.b.constant(v, "int"));
    runSequentially({ ...c, rows: [], scope }, s, visit, loop + 1);
  }
}

const firstOf = ([lower, upper, step]: readonly [RowTable, RowTable, RowTable]): [number, number, number] => [
  lower.values[0],
  upper.values[0],
  step.values[0],
];

// ---------------------------------------------------------------- over latents

function runScan(c: Context, s: ForStatement, own: ReadonlySet<string>, visit: Visitor): void {
  let context = c;
  const loop = flattenedNest(s, own);
  for (const l of loop.loops) context = enterFor(context, l);
  if (rowCount(context.rows) === 0) return;
  const arrays = [...own].map((name): Carried => {
    const begun = c.scope.get(name);
    return { name, base: begun?.kind === "array" ? begun.array : undefined, writes: placesOf(context, loop.body, name) };
  });
  const [{ place }] = arrays[0].writes;
  const home = homeOf(context, place);
  for (const { name, writes } of arrays) {
    if (homeOf(context, writes[0].place) === home) continue;
    reject(bindCodes.notYet, writes[0].place.span, `${name} and ${place.name.name} live in different loops`, {
      notes: ["give all arrays of a recurrence the same loop variables as subscripts"],
    });
  }
  const rows = rowsWithin(context, home, place);
  const run = (plates: Rows): void =>
    runSteps(context, home, rows, plates, arrays, (body) => executeBlock(body, loop.body, visit));
  // Loops around do not carry the recurrence. Where their turns differ in more than values, all turns are one chain of steps.
  inPlates(
    rows.filter((r) => c.rows.includes(r)),
    run,
  );
}

/** The arrays of a recurrence. */
interface Carried {
  readonly name: string;
  readonly base: PieceArray | undefined;
  readonly writes: readonly Written[];
}

function runSteps(
  c: Context,
  home: Scope,
  rows: Rows,
  plates: Rows,
  carried: readonly Carried[],
  visit: (c: Context) => void,
): void {
  const outside = c.rows.filter((r) => !rows.includes(r));
  const steps = rows.filter((r) => !plates.includes(r));
  const scan = new Scan(c.b, outside, plates, steps);
  const scope = new Scope(c.scope, undefined, scan.counters);
  const arrays = carried.map(({ name, base, writes }) => {
    const extents = extentsOf(writes, base?.empty === false ? base.extents : []);
    const places = writes.map((w) => w.place);
    const array = scan.add(name, base, new ScanLayout(c, extents, plates, places));
    scope.set(name, { kind: "scan", array });
    return array;
  });
  visit(inner({ ...c, scope, rows: scan.rows, scan: true }));
  scan.finish();
  for (const array of arrays) {
    if (array.ended) arrayAt(home, array.name).replace(array.ended.coordinates, array.ended.value, array.ended.span);
  }
}

/** A loop that holds nothing but a loop in which the recurrence goes on is one loop over both. */
function flattenedNest(s: ForStatement, own: ReadonlySet<string>): ForStatement {
  const [only] = s.body;
  if (s.body.length !== 1 || only.kind !== "for" || !carriedBy(only, own)) return s;
  return flattenedNest({ ...only, loops: [...s.loops, ...only.loops] }, own);
}

interface Written {
  readonly place: Place;
  readonly coordinates: readonly Float64Array[];
}

/** Where the statements give elements of an array, in all rows. */
function placesOf(c: Context, body: readonly Statement[], name: string): Written[] {
  return body.flatMap((s): Written[] => {
    if ((s.kind === "let" || s.kind === "quantity") && s.place.name.name === name && s.place.subscripts.length > 0)
      return [{ place: s.place, coordinates: placeCoordinates(c, s.place, c.rows).coordinates }];
    if (s.kind === "if") return [...placesOf(c, s.then, name), ...placesOf(c, s.else ?? [], name)];
    if (s.kind !== "for" || !letsOf(s).some((x) => x.place.name.name === name)) return [];
    let context = c;
    for (const l of s.loops) context = enterFor(context, l);
    return rowCount(context.rows) === 0 ? [] : placesOf(context, s.body, name);
  });
}

function extentsOf(writes: readonly Written[], begun: readonly number[]): number[] {
  const [{ coordinates, place }] = writes;
  const rank = coordinates.length;
  if (writes.some((w) => w.coordinates.length !== rank) || (begun.length > 0 && begun.length !== rank))
    reject(bindCodes.coverage, place.span, `every statement that gives elements of ${place.name.name} uses as many subscripts`);
  return Array.from({ length: rank }, (_, k) =>
    writes.reduce((m, w) => w.coordinates[k].reduce((x, y) => Math.max(x, y), m), begun[k] ?? 0),
  );
}

/** Turns of an inner loop up to which it is written out in the body of the outer one. */
const MOST_TURNS = 64;

/** A recurrence inside a step: its turns, one after the other, each with its number in place of the variable. */
function writeOut(c: Context, s: ForStatement, visit: Visitor, loop = 0): void {
  if (loop === s.loops.length) {
    executeBlock(inner(c), s.body, visit);
    return;
  }
  const { values } = loopValues(c, s.loops[loop]);
  const turns = values.kind === "list" ? values.list : commonTurns(s.loops[loop], values.bounds);
  if (turns.length > MOST_TURNS)
    reject(bindCodes.notYet, s.loops[loop].span, `a recurrence of ${turns.length} turns inside each turn of another one`, {
      label: `up to ${MOST_TURNS} are written out`,
      notes: ["a loop that holds the inner loop alone has no such limit"],
    });
  for (const v of turns) {
    const scope = new Scope(c.scope);
    scope.value(s.loops[loop].variable.name, c.b.constant(v, "int"));
    writeOut({ ...c, scope }, s, visit, loop + 1);
  }
}

function commonTurns(loop: LoopIndex, bounds: readonly [RowTable, RowTable, RowTable]): Float64Array {
  const [lower, upper, step] = bounds.map(({ values }) =>
    values.every((v: number) => v === values[0])
      ? values[0]
      : reject(bindCodes.notYet, loop.span, "the range of a recurrence inside another one varies from turn to turn", {
          notes: ["a loop that holds the inner loop alone may have such a range"],
        }),
  );
  return at(loop.span, () => rangeValues(lower, upper, step));
}
