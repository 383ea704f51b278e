// Calls of built-in functions: the form that the arguments fit, their kinds, then the record's own rule.

import { unreachable } from "../../runtime/errors.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Call, Expression } from "../language/ast.ts";
import { anyNumber, disjoint, isPoint } from "../ranges.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { isMisfit } from "./functions/define.ts";
import { type BuiltIn, type FunctionParameter, findFunction, formsOf, signatureOf } from "./functions/index.ts";
import { declarationOf, nameOf } from "./shape-messages.ts";
import { adjective, needed } from "./supports.ts";
import { describeShape, inherited, isUnknown, joinSizes, knownAtBind, unknownType, type ValueType } from "./value-type.ts";

export function inferBuiltIn(c: Context, e: Call): ValueType {
  const { report } = c.session;
  const name = e.callee.name;
  const found = findFunction(
    name,
    e.arguments.map((a) => ({ name: a.name?.name })),
  );
  const ragged = found?.form.neutral !== undefined;
  const types = e.arguments.map((a) => infer(c, a.value, ragged));
  const base = inherited(...types);
  if (!found) {
    const forms = formsOf(name);
    const unknown = e.arguments.find((a) => a.name && !forms.some((f) => f.parameters.some((p) => p.name === a.name?.name)));
    const usage = `it is ${forms.map((f) => signatureOf(f, name)).join(" or ")}`;
    report.error(
      "PPL206",
      unknown?.name?.span ?? e.span,
      unknown?.name
        ? `${name} has no argument ${unknown.name.name}`
        : `${name} is given ${e.arguments.length === 1 ? "one argument" : `${e.arguments.length} arguments`}`,
      {
        label: usage,
      },
    );
    return { ...unknownType, ...base };
  }
  const args = found.order.map((i) => types[i]);
  const at = found.order.map((i) => e.arguments[i].value);
  const good = args
    .map((t, i) => checkKind(c, name, found.form, parameterAt(found.form, i, args.length), at[i], t))
    .every((x) => x);
  if (!good) return { ...unknownType, ...base };
  if (args.some((t, i) => isUnknown(t) && !welcomesUnknown(parameterAt(found.form, i, args.length))))
    return { ...unknownType, ...base };
  const result = found.form.result(args);
  if (isMisfit(result)) {
    const span: SourceSpan = result.argument === undefined ? e.span : at[result.argument].span;
    report.error("PPL301", span, result.misfit, { label: result.label, notes: result.notes });
    return { ...unknownType, ...base };
  }
  return {
    ...base,
    dtype: result.dtype,
    shape: result.shape,
    range: result.range ?? anyNumber,
    structure: result.structure,
    value: result.value,
  };
}

/** The parameter that the i-th of the ordered arguments fills; a repeated one takes several. */
function parameterAt(f: BuiltIn, i: number, count: number): FunctionParameter {
  const repeated = f.parameters.findIndex((p) => p.repeats);
  if (repeated < 0 || i <= repeated) return f.parameters[i];
  const after = f.parameters.length - repeated - 1;
  return i < count - after ? f.parameters[repeated] : f.parameters[f.parameters.length - (count - i)];
}
const welcomesUnknown = (p: FunctionParameter): boolean => p.kind === "any" || p.kind === "array";

/** Whether an argument is of the kind that the parameter wants; says why not. */
function checkKind(c: Context, name: string, f: BuiltIn, p: FunctionParameter, e: Expression, t: ValueType): boolean {
  const { report } = c.session;
  if (isUnknown(t) || t.shape === undefined) return true;
  const rank = t.shape.length;
  const wrongShape = (needs: string, notes?: readonly string[]): false => {
    const declared = declarationOf(c, e);
    report.error("PPL305", e.span, `${nameOf(c, e)} is ${describeShape(t.shape ?? [])}`, {
      label: [`${name} needs ${needs}`, declared].filter((x) => x !== undefined).join("; "),
      notes,
    });
    return false;
  };
  if (!fitsKind(p.kind, t)) return wrongShape(kindWords(p.kind));
  if ((p.integers || p.kind === "integer" || p.kind === "size") && t.dtype === "real") {
    report.error("PPL207", e.span, `${nameOf(c, e)} is ${rank === 0 ? "a real number" : "made of real numbers"}`, {
      label: `${name} needs ${rank === 0 ? "an integer" : "integers"}`,
    });
    return false;
  }
  if ((p.kind === "size" || f.dataOnly) && !knownAtBind(t.stage)) {
    report.error("PPL213", e.span, `${nameOf(c, e)} is not known before the model runs`, {
      label: p.kind === "size" ? "a size must be known from the data" : `${name} works on data only`,
    });
    return false;
  }
  if (p.domain && disjoint(t.range, p.domain)) {
    report.error("PPL204", e.span, `${nameOf(c, e)} is ${isPoint(t.range) ? "not" : "never"} ${adjective(p.domain)}`, {
      label: `${name} needs ${needed(p.domain, "argument")}`,
    });
  }
  return true;
}

export function fitsKind(kind: FunctionParameter["kind"], t: ValueType): boolean {
  const shape = t.shape ?? [];
  switch (kind) {
    case "any":
      return true;
    case "array":
      return shape.length > 0;
    case "number":
    case "integer":
    case "size":
      return shape.length === 0;
    case "vector":
      return shape.length === 1;
    case "matrix":
      return shape.length === 2;
    case "square":
      return shape.length === 2 && joinSizes(shape[0], shape[1]) !== "misfit";
    default:
      return unreachable(kind, "kind");
  }
}
export function kindWords(kind: FunctionParameter["kind"]): string {
  switch (kind) {
    case "any":
      return "a value";
    case "array":
      return "an array";
    case "number":
      return "a number";
    case "integer":
    case "size":
      return "an integer";
    case "vector":
      return "a vector";
    case "matrix":
      return "a matrix";
    case "square":
      return "a square matrix";
    default:
      return unreachable(kind, "kind");
  }
}
