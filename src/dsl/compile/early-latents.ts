// Latents of a loop that its recurrences of lets read: for t { let h[t] = f(h[t-1], z[t-1]); z[t] ~ Normal(h[t], 1) }. Their coordinates are taken
// before the loop is run; the recurrence then has them, and their priors, which may read it, are added last. What the coordinates are, support and
// shape, is found out beforehand, in a run of the loop in which an input stands for them.
import type { Value } from "../../runtime/ir/graph.ts";
import { nodesBetween } from "../../runtime/ir/order.ts";
import type { ForStatement, SampleStatement, Statement } from "../language/ast.ts";
import { coordinatesOf } from "./affine.ts";
import { shapeOfDrawn } from "./awaited.ts";
import { evaluateSize } from "./bind-data.ts";
import { arrayAt, executeBlock, executeLet, placeCoordinates, pruned } from "./block.ts";
import type { Context } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { elementShape, give, makePiece, meetType, oneRange, valueGiven } from "./latents.ts";
import { type Gives, loopsIn, neededEarly } from "./read-ahead.ts";
import { letsOf, statementsOf } from "./recurrence.ts";
import { bindCodes, reject } from "./rejection.ts";
import { Scope } from "./scope.ts";
import { readsGiven, type Walk } from "./walk.ts";

export function takeEarly(w: Walk, c: Context, loop: ForStatement): void {
  const gives: Gives = (s) =>
    s.kind === "sample" &&
    s.place &&
    w.declared.get(s.place.name.name)?.shifted !== false &&
    c.model.symbols.get(s.place.name.name)?.kind === "latent"
      ? s.place.name.name
      : undefined;
  const early = new Set(loopsIn(loop).flatMap((l) => [...neededEarly(l, gives)]));
  if (early.size === 0) return;
  const own = samplesOf(loop).filter((s) => gives(s) !== undefined);
  const taken = own.filter((s) => early.has(gives(s) ?? ""));
  for (const s of taken) c.session.late.add(s);
  for (const name of early) if (readsGiven(w, name)) c.root.value(name, valueGiven(w, name));
  const open = taken.filter((s) => !readsGiven(w, gives(s) ?? ""));
  if (open.length === 0) return;
  const { scope, inputs } = provisionalScope(w, c, loop, new Set(own.map((s) => gives(s) ?? "")), gives);
  const context = { ...c, scope };
  const lets = pruned([loop], (s) => s.kind === "let" || s.kind === "quantity");
  executeBlock(context, lets, (inside, s) => {
    if (s.kind === "quantity") executeLet(inside, s);
  });
  const last = pruned([loop], (s) => open.some((x) => x === s) || (s.kind === "let" && s.place.subscripts.length === 0));
  executeBlock({ ...context, last: true }, last, (inside, s) => {
    if (s.kind === "sample") takeOne(w, c, inside, s, inputs);
  });
}

const samplesOf = (s: Statement): SampleStatement[] => (s.kind === "sample" ? [s] : statementsOf(s).flatMap(samplesOf));

/** The names of the loop, apart from those of the model: what is found in it is not kept. */
function provisionalScope(
  w: Walk,
  c: Context,
  loop: ForStatement,
  latents: ReadonlySet<string>,
  gives: Gives,
): { readonly scope: Scope; readonly inputs: readonly Value[] } {
  const scope = new Scope(c.scope);
  for (const { place } of letsOf(loop)) {
    const begun = c.scope.get(place.name.name);
    if (begun?.kind === "array") scope.set(place.name.name, { kind: "array", array: begun.array.copy() });
  }
  const inputs: Value[] = [];
  for (const name of latents) {
    if (readsGiven(w, name)) continue;
    const { shape, integer } = shapeOfDrawn(c, c.model, name, gives);
    const input = c.b.input(`(${name}, to be taken #${c.session.next++})`, { shape, dtype: "real" });
    inputs.push(input);
    scope.value(name, integer ? c.b.cast(input, "int") : input);
  }
  return { scope, inputs };
}

/** `inside`: the loop with what stands for its values. */
function takeOne(w: Walk, c: Context, inside: Context, s: SampleStatement, inputs: readonly Value[]): void {
  if (!s.place) return;
  const { name } = s.place.name;
  const d = applyDistribution(inside, s.distribution.call);
  if (coordinatesOf(w, inside, s, d) !== undefined)
    reject(bindCodes.notYet, s.distribution.span, `${name} is read by a recurrence of its loop and noncentered`, {
      label: "its location and scale wait for earlier elements of itself",
      notes: ["leave noncentered out"],
    });
  const elements = oneRange(placeCoordinates(inside, s.place, inside.rows), s.place);
  const type =
    s.type?.sizes.map((e) => evaluateSize(inside, e, `the size of ${name}`)) ??
    w.declared.get(name)?.shape.slice(s.place.subscripts.length);
  const own = type ?? elementShape(inside, name, undefined, d, s).slice(elements.inside.length);
  const meeting = meetType(inside, s.type, d);
  const { lower, upper } = meeting.bounds;
  if (
    nodesBetween(
      inputs,
      [lower, upper].flatMap((v) => v ?? []),
    ).length > 0
  )
    reject(bindCodes.notYet, s.span, `the bounds of ${name} depend on what its own loop computes of it`, {
      label: "where the elements of a latent lie must not wait for earlier ones by way of a let",
    });
  const piece = makePiece(inside, s, name, d, meeting, [...elements.inside, ...own], undefined);
  const x = give(w, inside, { ...piece, coordinates: elements.coordinates }, inside.rows);
  w.early.add(s);
  arrayAt(c.root, name).add(elements.coordinates, c.b.reshape(x, [elements.count, ...own]), s.span);
}
