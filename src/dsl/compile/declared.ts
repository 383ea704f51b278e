// Latents that are declared apart from their ~, `mu: ordered[2]`: what the declaration leaves of the distributions of the whole, or of elements.
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Bounds } from "../constraints/define.ts";
import type { Applied } from "../distributions/applied.ts";
import type { SampleStatement, Statement } from "../language/ast.ts";
import { isNoncentered } from "./affine.ts";
import { path } from "./bind-data.ts";
import type { Context } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { checkFit, numbersIn, termOf } from "./likelihood.ts";
import { isUnnormalized, logPrior } from "./prior.ts";
import { statementsOf } from "./recurrence.ts";
import { bindCodes, reject } from "./rejection.ts";
import { overRows } from "./rows.ts";
import { Scope } from "./scope.ts";
import { type Meeting, meet, type Support } from "./support.ts";
import { addTerm, namedValue, type Walk } from "./walk.ts";

export interface Declared {
  readonly support: Support;
  readonly shape: Shape;
  /** Its coordinates are those of its statements, of which some are noncentered: the declaration gives the shape alone. */
  readonly shifted: boolean;
  /** Of each element, whether a ~ has given it; undefined where nobody asks. */
  readonly given?: Uint8Array;
}

/** Whether a statement of an array that its type does not restrict is noncentered. */
export function isShifted({ model }: Context, name: string, { constraint, bounds }: Support): boolean {
  const shifts = (s: Statement): boolean =>
    (s.kind === "sample" && s.place?.name.name === name && isNoncentered(s)) || statementsOf(s).some(shifts);
  const isFree = constraint.event === 0 && !constraint.discrete && bounds.lower === undefined && bounds.upper === undefined;
  return isFree && model.statements.some(shifts);
}

/** Each element has exactly one ~ (language.md rule 14): none is left without. */
export function checkDeclared(w: Walk): void {
  for (const [name, { shape, shifted, given }] of w.declared) {
    const span = w.latents.get(name)?.span ?? { file: 0, start: 0, end: 0 };
    const value = shifted ? namedValue(w, name) : undefined;
    if (shifted && (!value || shapeOf(value).join() !== shape.join()))
      reject(bindCodes.coverage, span, `${name} is declared with shape [${shape.join(", ")}]`, {
        label: `its statements give ${value ? `[${shapeOf(value).join(", ")}]` : "no element"}`,
      });
    const absent = given?.indexOf(0) ?? -1;
    if (absent >= 0)
      reject(bindCodes.coverage, span, `${path(name, shape, absent)} is declared, and no ~ gives it a distribution`, {
        label: "every element needs a ~",
        notes: [`write ${path(name, shape, absent)} ~ Flat() if it has none`],
      });
  }
}

/** Notes the elements that a statement gives; of what ties elements together, whole objects. */
function mark(c: Context, s: SampleStatement, name: string, { given, shape, support }: Declared): void {
  if (!given || !s.place) return;
  const { event } = support.constraint;
  const object = sizeOf(shape.slice(shape.length - event));
  const isPart = event > 0 && s.place.subscripts.length > shape.length - event;
  const numbers = Float64Array.from(given, (_, i) => i);
  const scope = new Scope(c.scope);
  scope.value(name, c.b.tensor(numbers, shape));
  const [own] = overRows(c.b, [evaluate({ ...c, scope }, s.target)], c.rows);
  for (const i of knownOf(own) ?? []) {
    // Branches that a discrete latent chooses between give the same elements.
    if (given[i] === 1 && !isPart && !c.when)
      reject(bindCodes.twice, s.span, `${path(name, shape, i)} is given twice`, {
        label: "each element has exactly one ~",
        notes: ["factor(lpdf(D, x)) adds another term"],
      });
    if (isPart) given.fill(1, i - (i % object), i - (i % object) + object);
    else given[i] = 1;
  }
}

/** The prior of the whole or of elements: as if the type stood in the statement, where what stands there is whole objects of the type. */
export function declaredPrior(w: Walk, c: Context, s: SampleStatement, name: string, declared: Declared): void {
  if (isNoncentered(s))
    reject(bindCodes.notYet, s.distribution.span, `${name} is declared apart from its prior, and noncentered`, {
      label: "its type restricts it, and its coordinates are those of the type",
      notes: [`leave the declaration of ${name} out, or noncentered`],
    });
  const d = applyDistribution(c, s.distribution.call);
  const x = evaluate(c, s.target);
  mark(c, s, name, declared);
  const { constraint } = declared.support;
  const lead = declared.shape.length - constraint.event;
  if (constraint.event > 0 && (s.place?.subscripts.length ?? 0) > lead) {
    if (d.normalised && !isUnnormalized(s))
      c.session.notes.add(`${name}: the priors of its elements are not renormalised on ${constraint.words}`);
    return termOf(w, c, s, d, x, name, "prior", `${d.name} is not renormalised on the type of ${name}`);
  }
  checkFit(shapeOf(x), d, s.span);
  const { value, unnormalised } = logPrior(c, s, name, d, meetDeclared(c, s, declared, d), shapeOf(x));
  addTerm(w, c, s.span, name, "prior", value, [s.target, ...numbersIn(c, s.distribution.call)], unnormalised);
}

/** How the declared type meets the distribution of a statement. Values are those of the type: where it reaches beyond the support they have density 0. */
export function meetDeclared(
  c: Context,
  s: SampleStatement,
  { support, shape }: Pick<Declared, "support" | "shape">,
  d: Applied,
): Meeting {
  const { b } = c;
  const { constraint } = support;
  const given = d.support.constraint;
  // In the statement a bare shape stands for what the distribution gives; here the coordinates have been taken.
  if (given.event > constraint.event)
    reject(
      bindCodes.type,
      s.span,
      `${s.place?.name.name ?? "it"} is declared ${constraint.words}, and ${d.name} gives ${given.words}`,
      {
        notes: [`declare it ${given.name}[…], or leave the declaration out`],
      },
    );
  const own = (bound: Value | undefined): Value | undefined => bound && boundOfElements(c, s, bound, shape);
  const bounds = { lower: own(support.bounds.lower), upper: own(support.bounds.upper) };
  const meeting = meet(b, { constraint, bounds }, d);
  if (constraint.event > 0 || constraint.discrete || d.event > 0 || d.support.declared) return meeting;
  return { ...meeting, beyond: reached(bounds, d.support.bounds(b)) };
}

/** Of an array of bounds those of the elements left of ~. */
function boundOfElements(c: Context, s: SampleStatement, bound: Value, shape: Shape): Value {
  if (sizeOf(shapeOf(bound)) === 1 || !s.place || s.place.subscripts.length === 0) return bound;
  const scope = new Scope(c.scope);
  scope.value(s.place.name.name, c.b.broadcastTo(bound, shape));
  return evaluate({ ...c, scope }, s.target);
}

/** Bounds of the support that the type does not keep away from. */
function reached(typed: Bounds<Value>, own: Bounds<Value>): Bounds<Value> {
  const within = (t: Value | undefined, o: Value | undefined, isInside: (t: number, o: number) => boolean): boolean => {
    if (o === undefined || t === o) return true;
    const known = knownOf(o);
    const given = t && knownOf(t);
    if (!known) return false;
    if (!given) return known.every((x) => !Number.isFinite(x));
    const n = Math.max(known.length, given.length);
    return Array.from({ length: n }, (_, i) => isInside(given[i % given.length], known[i % known.length])).every((yes) => yes);
  };
  return {
    lower: within(typed.lower, own.lower, (t, o) => t >= o) ? undefined : own.lower,
    upper: within(typed.upper, own.upper, (t, o) => t <= o) ? undefined : own.upper,
  };
}
