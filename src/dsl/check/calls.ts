// Calls in expressions: built-in functions, the user's functions, and questions to distributions.
import { didYouMean } from "../did-you-mean.ts";
import type { Call, Expression, FunctionStatement } from "../language/ast.ts";
import { odeName } from "../ode-call.ts";
import { anyNumber, nonpositive, type Range, unit } from "../ranges.ts";
import { checkBody } from "./bodies.ts";
import { inferBuiltIn } from "./built-in-calls.ts";
import type { Context, Frame } from "./context.ts";
import { shapeOfDistribution } from "./distribution-type.ts";
import { inferDistribution, isDistributionCall } from "./distributions.ts";
import { infer } from "./expressions.ts";
import { foreignFunction } from "./foreign-names.ts";
import { functionNames, isFunctionName } from "./functions/index.ts";
import { inferNetCall, reportLayerAsValue } from "./nets.ts";
import { inferOde } from "./ode.ts";
import { kindWords, Scope } from "./scope.ts";
import { nameOf } from "./shape-messages.ts";
import { describeShape, inherited, joinShapes, laterStage, union, unknownType, type ValueType } from "./value-type.ts";

export function inferCall(c: Context, e: Call): ValueType {
  const name = e.callee.name;
  const own = c.session.functions.get(name);
  if (own) return callOwn(c, own, e);
  const net = c.session.nets.get(name);
  if (net) return inferNetCall(c, net, e);
  const query = queries.get(name);
  if (query && (!isFunctionName(name) || (e.arguments[0] && isDistributionCall(c, e.arguments[0].value))))
    return askDistribution(c, query, e);
  if (isFunctionName(name)) return inferBuiltIn(c, e);
  if (name === odeName && !c.scope.get(name)) return inferOde(c, e);
  return notAFunction(c, e);
}

/** Arguments looked at for their own mistakes; the value is unknown. */
function inferArguments(c: Context, e: Call): ValueType {
  const types = e.arguments.map((a) => {
    if (!isDistributionCall(c, a.value)) return infer(c, a.value);
    inferDistribution(c, a.value);
    return unknownType;
  });
  return { ...unknownType, ...inherited(...types) };
}

function notAFunction(c: Context, e: Call): ValueType {
  const { report, distributions } = c.session;
  const name = e.callee.name;
  const at = e.callee.span;
  const entry = c.scope.get(name);
  if (isDistributionCall(c, e)) {
    inferDistribution(c, e);
    report.error("PPL214", e.span, `${nameOf(c, e, name)} is a distribution, not a value`, {
      label: "a distribution stands right of ~",
      notes: [`write x ~ ${name}(…), or lpdf(${name}(…), x) for its log density`],
    });
    return unknownType;
  }
  if (!entry && reportLayerAsValue(c, e)) return unknownType;
  if (entry && !entry.unknown) {
    entry.used = true;
    report.error("PPL214", at, `${name} is ${kindWords[entry.kind]}, not a function`, {
      label: "elements stand in brackets",
      notes: [`write ${name}[…]`],
    });
    return inferArguments(c, e);
  }
  const folded = new Map([...distributions.keys()].map((d) => [d.toLowerCase(), d]));
  const foreign = foreignFunction(name, (f) => folded.get(f));
  const near = foreign
    ? undefined
    : didYouMean(name, [...functionNames, ...c.session.functions.keys(), ...c.session.nets.keys(), ...queries.keys(), odeName]);
  report.error("PPL205", at, `there is no function ${name}`, {
    label: foreign ?? (near ? `did you mean ${near}?` : undefined),
    notes: foreign || near ? undefined : ["ppl list functions shows all of them; fn … = … defines another"],
  });
  return inferArguments(c, e);
}

// ---------------------------------------------------------------- the user's functions

/** Calls of the user's functions that a program may have when all are written out: a chain of n functions that each call the next one twice
 *  has 2^n of them. */
const MOST_EXPANSIONS = 20_000;

function callOwn(c: Context, f: FunctionStatement, e: Call): ValueType {
  const { report } = c.session;
  const name = f.name.name;
  c.session.called.add(name);
  const names = f.parameters.map((p) => p.name);
  const given = new Map<string, { readonly at: Expression; readonly type: ValueType }>();
  let next = 0;
  let good = true;
  for (const a of e.arguments) {
    const type = infer(c, a.value);
    const parameter = a.name ? a.name.name : names[next++];
    if (parameter === undefined || !names.includes(parameter) || given.has(parameter)) good = false;
    else given.set(parameter, { at: a.value, type });
  }
  const base = inherited(...[...given.values()].map((g) => g.type));
  if (new Set(names).size < names.length) return { ...unknownType, ...base };
  if (!good || given.size < names.length) {
    report.error(
      "PPL206",
      e.span,
      `${name} takes ${names.length === 1 ? "one argument" : `${names.length} arguments`} and is given ${e.arguments.length}`,
      {
        label: `it is ${name}(${names.join(", ")}), on ${report.line(f.span, e.span)}`,
      },
    );
    return { ...unknownType, ...base };
  }
  if (c.frames.some((frame) => frame.name === name)) {
    report.error("PPL220", e.span, `${name} calls itself`, {
      label: "functions are written out where they are called: no recursion",
      notes: ["a loop with let x[i] = … that reads x[i-1] recurs over data"],
    });
    return { ...unknownType, ...base };
  }
  checkOnce(c, f);
  if (!countExpansion(c, e)) return { ...unknownType, ...base };
  const line = (): string => `in the call of ${name} on ${report.line(e.span, f.span)}`;
  const result = report.through(line, () => bodyAt(c, f, (p) => given.get(p)?.type ?? unknownType));
  return result ?? { ...unknownType, ...base };
}

/** Whether one more body may be written out. */
export function countExpansion({ session }: Context, e: Call): boolean {
  session.expansions++;
  if (session.expansions <= MOST_EXPANSIONS) return true;
  if (session.expansions === MOST_EXPANSIONS + 1) {
    session.report.error("PPL224", e.span, `the functions call each other more than ${MOST_EXPANSIONS} times`, {
      label: "every call is written out where it stands",
      notes: ["give the value of a call that occurs several times a name: let z = f(x)"],
    });
  }
  return false;
}

/** What is wrong with a body whatever its arguments are, said without a call. */
export function checkOnce(c: Context, f: FunctionStatement): void {
  const { checked, report, root } = c.session;
  if (checked.has(f)) return;
  checked.add(f);
  report.afresh(() => bodyAt({ ...c, scope: root, frames: [], loops: [], guarded: true }, f, () => unknownType));
}

/** The body of a function at given types of its arguments. */
export function bodyAt(c: Context, f: FunctionStatement, typeOf: (parameter: string) => ValueType): ValueType | undefined {
  const frame: Frame = { name: f.name.name, key: `${f.name.name}#${c.session.next++}`, position: f.span };
  const scope = new Scope(c.session.root);
  for (const p of f.parameters) {
    scope.set({ kind: "parameter", name: p.name, span: p.span, type: typeOf(p.name), used: true, loops: c.loops });
  }
  return checkBody({ ...c, scope, frames: [...c.frames, frame], inConst: false }, f.body, f.span, f.name.name);
}

// ---------------------------------------------------------------- lpdf and its kin

interface Query {
  readonly name: string;
  readonly needs?: "cdf" | "ccdf" | "quantile";
  readonly range: Range;
}
const queries: ReadonlyMap<string, Query> = new Map(
  (
    [
      { name: "lpdf", range: anyNumber },
      { name: "lpmf", range: nonpositive },
      { name: "cdf", needs: "cdf", range: unit },
      { name: "lcdf", needs: "cdf", range: nonpositive },
      { name: "lccdf", needs: "ccdf", range: nonpositive },
      { name: "quantile", needs: "quantile", range: anyNumber },
    ] as const satisfies readonly Query[]
  ).map((q) => [q.name, q]),
);

function askDistribution(c: Context, query: Query, e: Call): ValueType {
  const { report } = c.session;
  const [of, at] = e.arguments;
  if (e.arguments.length !== 2 || of.name || at.name || !isDistributionCall(c, of.value)) {
    const swapped = at && isDistributionCall(c, at.value);
    const lower =
      of && of.value.kind === "call" && !isFunctionName(of.value.callee.name) && !c.session.functions.has(of.value.callee.name);
    if (e.arguments.length === 2 && lower && of.value.kind === "call") {
      inferDistribution(c, of.value);
      return { ...unknownType, ...inherited(infer(c, at.value)) };
    }
    report.error("PPL206", e.span, `${query.name} takes a distribution and a value`, {
      label: `it is ${query.name}(D, x)`,
      notes: swapped ? ["the distribution comes first"] : [`for example ${query.name}(Normal(0, 1), x)`],
    });
    return inferArguments(c, e);
  }
  const d = inferDistribution(c, of.value);
  const x = infer(c, at.value);
  if (!d) return { ...unknownType, ...inherited(x) };
  const base = { stage: laterStage(d.stage, x.stage), varies: union(d.varies, x.varies) };
  if (query.needs && !d[query.needs]) {
    const what = query.needs === "quantile" ? "its quantile function" : query.needs === "cdf" ? "P(X <= x)" : "P(X > x)";
    report.error("PPL218", of.span, `${d.name} has no closed form of ${what} here`, { label: `${query.name} needs it` });
  }
  if (x.shape !== undefined && x.shape.length < d.event) {
    report.error("PPL305", at.span, `${nameOf(c, at.value)} is ${describeShape(x.shape)}`, {
      label: `${d.name} is over ${d.event === 1 ? "vectors" : "matrices"}`,
    });
    return { ...unknownType, ...base };
  }
  const own = x.shape?.slice(0, x.shape.length - d.event);
  const events = d.eventShape && x.shape ? joinShapes(d.eventShape, x.shape.slice(x.shape.length - d.event)) : undefined;
  const shape = joinShapes(own, d.batch);
  if (shape === "misfit" || events === "misfit") {
    report.error(
      "PPL308",
      e.span,
      `${nameOf(c, at.value)} is ${describeShape(x.shape ?? [])}, ${nameOf(c, of.value, d.name)} ${describeShape(shapeOfDistribution(d) ?? [])}`,
      {
        label: `${query.name} needs a value of the distribution's shape`,
      },
    );
    return { ...unknownType, ...base };
  }
  return { ...unknownType, ...base, shape, range: query.name === "lpdf" && d.discrete ? nonpositive : query.range };
}
