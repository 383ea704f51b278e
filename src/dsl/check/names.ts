// Looking names up, and saying why one is not there.
import type { SourceSpan } from "../diagnostics.ts";
import { didYouMean } from "../did-you-mean.ts";
import { modifiers } from "../distributions/modifiers/index.ts";
import { prefixes } from "../language/keywords.ts";
import { point } from "../ranges.ts";
import { type Context, frameOf } from "./context.ts";
import { isFunctionName } from "./functions/index.ts";
import { type Entry, kindWords } from "./scope.ts";
import { numberType, unknownType, type ValueType } from "./value-type.ts";

/** Values of the names that the language knows. */
export const constants: Readonly<Record<string, number>> = { inf: Number.POSITIVE_INFINITY, pi: Math.PI, π: Math.PI };

/** The type of a name in an expression; unknown after an error. */
export function typeOfName(c: Context, name: string, span: SourceSpan): ValueType {
  const entry = lookup(c, name, span);
  if (entry) return entry.type;
  return !c.scope.get(name) && Object.hasOwn(constants, name) ? numberType("real", point(constants[name])) : unknownType;
}

/** The entry of a name that may be read here; reports why not otherwise. Constants such as inf have none. */
export function lookup(c: Context, name: string, span: SourceSpan): Entry | undefined {
  const entry = c.scope.get(name);
  if (!entry) {
    if (!Object.hasOwn(constants, name)) missing(c, name, span);
    return undefined;
  }
  entry.used = true;
  entry.resolve?.();
  const { report, root } = c.session;
  const frame = frameOf(c);
  if (frame && root.here(name) === entry) {
    const drawn = entry.kind === "latent" || entry.kind === "quantity" || entry.kind === "predict";
    if (drawn) {
      report.error("PPL203", span, `${name} is ${kindWords[entry.kind]}, and ${frame.name} does not see it`, {
        label: "functions see data, consts, params and the lets above them",
        notes: [`pass it as an argument of ${frame.name}`],
      });
      return undefined;
    }
    if (entry.kind === "let" && isAfter(entry.span, frame.position)) {
      report.error("PPL203", span, `${name} is defined after ${frame.name}`, {
        label: `defined on ${report.line(entry.span, span)}; a function sees the lets above it`,
        notes: [`move the function below ${name}, or pass ${name} as an argument`],
      });
      return undefined;
    }
  }
  if (c.inConst && entry.kind !== "const" && entry.kind !== "loop" && entry.kind !== "parameter") {
    report.error("PPL221", span, `${name} is ${kindWords[entry.kind]}, not a const`, {
      label: "a const is made of numbers and other consts",
      notes: ["write let instead of const"],
    });
    return undefined;
  }
  return entry;
}

const isAfter = (a: SourceSpan, b: SourceSpan): boolean => a.file === b.file && a.start > b.start;

function missing(c: Context, name: string, span: SourceSpan): void {
  const { report, definitions, root } = c.session;
  const definition = definitions.get(name);
  if (definition) {
    const line = report.line(definition, span);
    c.session.mentioned.add(name);
    if (c.inData || c.inConst) {
      report.error(c.inConst ? "PPL221" : "PPL213", span, `${name} is not ${c.inConst ? "a const" : "data"}`, {
        label: c.inConst ? "a const is made of numbers and other consts" : "sizes and bounds of data are made of data and consts",
        notes: [`it is given on ${line}`],
      });
      return;
    }
    const frame = frameOf(c);
    if (frame) {
      report.error("PPL203", span, `${name} is not seen by ${frame.name}`, {
        label: `given on ${line}; functions see data, consts, params and the lets above them`,
        notes: [`pass it as an argument of ${frame.name}`],
      });
      return;
    }
    if (c.guide) {
      report.error("PPL516", span, `${name} is not seen by the ${c.guide.part}`, {
        label: `given in the model, on ${line}`,
        notes: ["a guide sees data, consts, params, nets, and the names that it has drawn itself, after their ~"],
      });
      return;
    }
    if (isAfter(definition, span)) {
      report.error("PPL203", span, `${name} is used before it is given`, {
        label: `given on ${line}`,
        notes: ["let, ~ and quantity come before what reads them"],
      });
    } else {
      report.error("PPL203", span, `${name} is known only inside the loop around ${line}`, {
        label: "used outside of it",
        notes: [`give it an index, let ${name}[n] = …, and it is an array after the loop`],
      });
    }
    return;
  }
  const isNet = c.session.nets.has(name);
  if (isNet || isFunctionName(name) || c.session.functions.has(name)) {
    const what = isNet ? "a network" : "a function";
    report.error("PPL214", span, `${name} is ${what}`, { label: `${what} is called: ${name}(…)` });
    return;
  }
  if (c.session.distributions.has(name) || c.session.densities.has(name) || modifiers.has(name) || prefixes.has(name)) {
    report.error("PPL214", span, `${name} is a distribution`, {
      label: `a distribution stands right of ~, with its arguments: ${name}(…)`,
    });
    return;
  }
  const near = didYouMean(name, [...c.scope.names(), ...definitions.keys(), ...Object.keys(constants)]);
  report.error("PPL201", span, `${name} is not defined`, {
    label: near ? `did you mean ${near}?` : undefined,
    notes: near ? undefined : [remedy(c, name)],
  });
  // Said once; from here on the name is quietly unknown.
  root.set({ kind: "let", name, span, type: unknownType, used: true, loops: [], unknown: true });
}

const remedy = (c: Context, name: string): string =>
  c.inSize
    ? `declare it: data ${name}: int, or const ${name} = …`
    : `declare it (data ${name}: real), give it a prior (${name} ~ …), or define it (let ${name} = …)`;
