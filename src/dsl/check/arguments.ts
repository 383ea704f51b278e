// Arguments of a distribution against its parameter lists: by position, by name, in one of its alternatives.
import { didYouMean } from "../did-you-mean.ts";
import { signatures } from "../distributions/applied.ts";
import type { Distribution, Params } from "../distributions/define.ts";
import type { Argument, Call, Expression } from "../language/ast.ts";
import type { Context } from "./context.ts";

const written = (d: Distribution, p: Params): string => `${d.name}(${Object.keys(p).join(", ")})`;
/** "by name also Gamma(shape =, rate =), Gamma(mean =, sd =)" */
function alternativesText(d: Distribution): readonly string[] | undefined {
  const named = (p: Params): string =>
    `${d.name}(${Object.keys(p)
      .map((n) => `${n} =`)
      .join(", ")})`;
  return d.alternatives?.length ? [`by name also ${d.alternatives.map((a) => named(a.params)).join(", ")}`] : undefined;
}

export interface Matched {
  readonly params: Params;
  readonly given: ReadonlyMap<string, Expression>;
}

/** The parameter list that the arguments fill; reports and returns undefined where none does. */
export function matchSignature(c: Context, d: Distribution, call: Call): Matched | undefined {
  for (const params of signatures(d)) {
    const given = assign(params, call.arguments);
    if (typeof given !== "string" && Object.entries(params).every(([n, p]) => given.has(n) || p.default !== undefined))
      return { params, given };
  }
  explain(c, d, call);
  return undefined;
}

function assign(params: Params, args: readonly Argument[]): Map<string, Expression> | string {
  const order = Object.keys(params);
  const given = new Map<string, Expression>();
  let next = 0;
  for (const a of args) {
    const name = a.name ? a.name.name : order[next++];
    if (name === undefined || !Object.hasOwn(params, name) || given.has(name)) return name ?? "surplus";
    given.set(name, a.value);
  }
  return given;
}

function explain(c: Context, d: Distribution, call: Call): void {
  const { report } = c.session;
  const known = new Set(signatures(d).flatMap((p) => Object.keys(p)));
  const unknown = call.arguments.find((a) => a.name && !known.has(a.name.name));
  const notes = alternativesText(d);
  const usage = `it is ${written(d, d.params)}`;
  if (unknown?.name) {
    const near = didYouMean(unknown.name.name, known);
    report.error("PPL206", unknown.name.span, `${d.name} has no parameter ${unknown.name.name}`, {
      label: near ? `did you mean ${near}?` : usage,
      notes: near ? [usage, ...(notes ?? [])] : notes,
    });
    return;
  }
  const names = call.arguments.flatMap((a) => (a.name ? [a.name.name] : []));
  const twice = call.arguments.find((a, i) => a.name && call.arguments.findIndex((b) => b.name?.name === a.name?.name) < i);
  if (twice?.name) {
    report.error("PPL206", twice.span, `${d.name} is given ${twice.name.name} twice`, { label: usage });
    return;
  }
  const count = Object.keys(d.params).length;
  const most = Math.max(...signatures(d).map((p) => Object.keys(p).length));
  if (call.arguments.length > most) {
    report.error(
      "PPL206",
      call.span,
      `${d.name} takes ${count === 0 ? "no argument" : count === 1 ? "one argument" : `${count} arguments`} and is given ${call.arguments.length}`,
      { label: usage, notes },
    );
    return;
  }
  const params = signatures(d).find((p) => names.every((n) => Object.hasOwn(p, n)));
  if (!params) {
    report.error("PPL206", call.span, `${names.join(" and ")} do not belong together`, { label: usage, notes });
    return;
  }
  const given = assign(params, call.arguments);
  if (typeof given === "string") {
    report.error("PPL206", call.span, `${d.name} is given ${given} twice: by position and by name`, { label: usage, notes });
    return;
  }
  const missing = Object.entries(params).flatMap(([n, p]) => (given.has(n) || p.default !== undefined ? [] : [n]));
  report.error("PPL206", call.span, `${d.name} is not given ${missing.join(" and ")}`, { label: usage, notes });
}
