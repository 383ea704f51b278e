// Calls of ode: the right-hand side is one of the user's functions, of the time, the components and the arguments that the call passes on.
import { didYouMean } from "../did-you-mean.ts";
import { compareDimensions } from "../dimensions.ts";
import type { Argument, Call, Expression, FunctionStatement } from "../language/ast.ts";
import { odeMethods, odeName, odeOptions, odeParameters, odeUsage } from "../ode-call.ts";
import { anyNumber, isPoint } from "../ranges.ts";
import { bodyAt, checkOnce, countExpansion } from "./calls.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { declarationOf, nameOf } from "./shape-messages.ts";
import {
  describeShape,
  formatSize,
  inherited,
  knownAtBind,
  laterStage,
  type Stage,
  unknownType,
  type ValueType,
} from "./value-type.ts";

export function inferOde(c: Context, e: Call): ValueType {
  const { report } = c.session;
  const positional = e.arguments.filter((a) => !a.name);
  const [of, ...rest] = positional;
  const f = of && rightHandSide(c, of.value);
  const types = rest.map((a) => infer(c, a.value));
  const options = e.arguments.filter((a) => a.name);
  for (const a of options) checkOption(c, a);
  const twice = options.find((a, i) => options.findIndex((o) => o.name?.name === a.name?.name) < i);
  if (twice) report.error("PPL206", twice.span, `${odeName} is given ${twice.name?.name} twice`);
  const base = inherited(...types);
  if (of && !f) return { ...unknownType, ...base };
  if (!f || positional.length < odeParameters.length) {
    const missing = odeParameters.slice(positional.length).join(" and ");
    report.error("PPL206", e.span, `${odeName} is not given ${missing}`, {
      label: `it is ${odeUsage}: the start, its time, and the times at which the solution is wanted`,
    });
    return { ...unknownType, ...base };
  }
  const [y0, t0, ts, ...args] = types;
  const good = [
    hasRank(c, rest[0].value, y0, 1, "y0 is the vector of all components, also of one: [y0]"),
    hasRank(c, rest[1].value, t0, 0, "t0 is the time at which the components are y0"),
    hasRank(c, rest[2].value, ts, 1, "ts are the times at which the solution is wanted, a vector"),
  ];
  if (f.parameters.length !== args.length + 2) {
    report.error("PPL206", e.span, `${f.name.name} takes ${count(f.parameters.length)} and is given ${count(args.length + 2)}`, {
      label: `${odeName} calls it with the time, the components, and ${args.length === 0 ? "nothing else" : `the ${args.length} behind ts`}`,
      notes: [`it is ${f.name.name}(${f.parameters.map((p) => p.name).join(", ")}), on ${report.line(f.span, e.span)}`],
    });
    return { ...unknownType, ...base };
  }
  if (!good.every((x) => x)) return { ...unknownType, ...base };
  // Once for what it is known from, once for what it may do: the time is never a number of the data.
  const early = slopeAt(c, e, f, y0, args, "const");
  const slope = slopeAt(c, e, f, y0, args, "latent");
  if (!slope || !early) return { ...unknownType, ...base };
  const size = checkSlope(c, e, f, slope, y0);
  return {
    ...unknownType,
    dtype: "real",
    range: anyNumber,
    stage: laterStage(base.stage, early.stage),
    varies: inherited(...types, slope).varies,
    shape: ts.shape && y0.shape && size ? [ts.shape[0], y0.shape[0]] : undefined,
  };
}

const count = (n: number): string => (n === 1 ? "one argument" : `${n} arguments`);

function rightHandSide(c: Context, e: Expression): FunctionStatement | undefined {
  const { report, functions, called } = c.session;
  const name = e.kind === "name" ? e.name : undefined;
  const f = name === undefined ? undefined : functions.get(name);
  if (f) {
    called.add(f.name.name);
    return f;
  }
  const near = name === undefined ? undefined : didYouMean(name, functions.keys());
  report.error("PPL207", e.span, `${nameOf(c, e)} is not a function of this model`, {
    label: near ? `did you mean ${near}?` : "the right-hand side is the name of a function",
    notes: ["write fn rhs(t, y, …) = [dy1/dt, dy2/dt] and pass rhs"],
  });
  return undefined;
}

function checkOption(c: Context, { name, value }: Argument): void {
  const { report } = c.session;
  const option = odeOptions.find((o) => o.name === name?.name);
  if (!name || !option) {
    const names = odeOptions.map((o) => o.name);
    const near = name && didYouMean(name.name, names);
    report.error("PPL206", name?.span ?? value.span, `${odeName} has no option ${name?.name}`, {
      label: near ? `did you mean ${near}?` : `it has ${names.join(", ")}`,
      notes: near ? undefined : ["arguments of the right-hand side stand behind ts, by position"],
    });
    if (value.kind !== "string") infer(c, value);
    return;
  }
  if (typeof option.default === "string") {
    if (value.kind !== "string" || !odeMethods.some((m) => m === value.value))
      report.error("PPL207", value.span, `${nameOf(c, value)} is no method`, {
        label: `${option.name} is ${odeMethods.map((m) => `"${m}"`).join(" or ")}`,
      });
    return;
  }
  const type = infer(c, value);
  if (!hasRank(c, value, type, 0, `${option.name} is a number`) || type.shape === undefined) return;
  if (!knownAtBind(type.stage))
    report.error("PPL213", value.span, `${nameOf(c, value)} is not known before the model runs`, {
      label: `${option.name} must be known from the data`,
    });
  else if (type.range.upper <= 0)
    report.error("PPL204", value.span, `${nameOf(c, value)} is ${isPoint(type.range) ? "not" : "never"} positive`, {
      label: `${option.name} must be positive`,
    });
}

function hasRank(c: Context, e: Expression, type: ValueType, rank: 0 | 1, needs: string): boolean {
  if (type.shape === undefined) return true;
  if (type.shape.length === rank) return true;
  const declared = declarationOf(c, e);
  c.session.report.error("PPL305", e.span, `${nameOf(c, e)} is ${describeShape(type.shape)}`, {
    label: [needs, declared].filter((x) => x !== undefined).join("; "),
  });
  return false;
}

/** The type of the right-hand side with the time and the components known as early as `stage`. */
function slopeAt(
  c: Context,
  e: Call,
  f: FunctionStatement,
  y0: ValueType,
  args: readonly ValueType[],
  stage: Stage,
): ValueType | undefined {
  const { report } = c.session;
  if (c.frames.some((frame) => frame.name === f.name.name)) {
    report.error("PPL220", e.span, `${f.name.name} calls itself`, {
      label: "functions are written out where they are called: no recursion",
    });
    return undefined;
  }
  checkOnce(c, f);
  if (!countExpansion(c, e)) return undefined;
  const time: ValueType = { ...unknownType, shape: [], stage };
  const components: ValueType = { ...unknownType, shape: y0.shape, stage, varies: y0.varies };
  const given = [time, components, ...args];
  const line = (): string => `${f.name.name} as the right-hand side on ${report.line(e.span, f.span)}`;
  return report.through(line, () => bodyAt(c, f, (p) => given[f.parameters.findIndex((q) => q.name === p)] ?? unknownType));
}

/** The slope has the shape of the components. */
function checkSlope(c: Context, e: Call, f: FunctionStatement, slope: ValueType, y0: ValueType): boolean {
  if (slope.shape === undefined || y0.shape === undefined) return true;
  const { report } = c.session;
  const name = f.name.name;
  const [size] = y0.shape;
  if (slope.shape.length !== 1) {
    report.error("PPL305", e.span, `${name} gives ${describeShape(slope.shape)}`, {
      label: `${odeName} needs the derivative of each component, a vector${size ? ` of ${formatSize(size)}` : ""}`,
      notes: slope.shape.length === 0 ? ["of one component it is a vector too: [ … ]"] : undefined,
    });
    return false;
  }
  const [own] = slope.shape;
  if (own && size && compareDimensions(own, size) === "different") {
    report.error("PPL301", e.span, `${name} gives ${describeShape(slope.shape)}, y0 is ${describeShape(y0.shape)}`, {
      label: "there are as many derivatives as components",
    });
    return false;
  }
  return true;
}
