// What the checker finds out about an expression.
import { unreachable } from "../../runtime/errors.ts";
import { atomDimension, constantDimension, minus, plus, times, zero } from "../dimensions.ts";
import {
  type ArrayLiteral,
  type Binary,
  type Comprehension,
  type Conditional,
  type Expression,
  pipedCall,
  type Unary,
} from "../language/ast.ts";
import * as ranges from "../ranges.ts";
import { inferCall } from "./calls.ts";
import { type Context, frameOf } from "./context.ts";
import { elementRange } from "./functions/define.ts";
import { inferIndex } from "./indexing.ts";
import { enterLoop } from "./loops.ts";
import { matrixProduct } from "./matrix-product.ts";
import { typeOfName } from "./names.ts";
import { reportMisfit } from "./shape-messages.ts";
import {
  describeShape,
  inherited,
  isUnknown,
  joinShapes,
  knownAtBind,
  literalType,
  numberType,
  type Size,
  unknownType,
  type ValueType,
  widerDtype,
} from "./value-type.ts";

/** The type of an expression, everything wrong with it reported. `ragged`: rows of different widths are welcome here. */
export function infer(c: Context, e: Expression, ragged = false): ValueType {
  const t = integerValue(c, e, shallow(c, e));
  if (t.ragged && !ragged) {
    c.session.report.error("PPL306", e.span, "the length of this varies from row to row", {
      label: "only a reduction takes it",
      notes: ["write the reduction around it: sum([… for …])"],
    });
    return { ...t, shape: undefined, ragged: false };
  }
  return t;
}

/** Integers known at bind have a value to compare sizes by: if nothing better, their own text. */
function integerValue(c: Context, e: Expression, t: ValueType): ValueType {
  if (t.value || t.dtype !== "int" || t.shape?.length !== 0 || !knownAtBind(t.stage)) return t;
  if (ranges.isPoint(t.range) && Number.isInteger(t.range.lower)) return { ...t, value: constantDimension(t.range.lower) };
  const text = c.session.report.text(e.span);
  const key = [text.replace(/\s+/g, ""), frameOf(c)?.key ?? "", ...[...t.varies].sort()].join("|");
  return { ...t, value: atomDimension({ key, text, kind: "opaque" }) };
}

function shallow(c: Context, e: Expression): ValueType {
  switch (e.kind) {
    case "number":
      return literalType(e.value, e.integer);
    case "boolean":
      return numberType("bool", ranges.point(e.value ? 1 : 0));
    case "string":
      c.session.report.error("PPL207", e.span, "text is no number", { label: "text stands only after import" });
      return unknownType;
    case "name":
      return typeOfName(c, e.name, e.span);
    case "call":
      return inferCall(c, e);
    case "index":
      return inferIndex(c, e);
    case "unary":
      return unary(c, e);
    case "binary":
      return binary(c, e);
    case "transpose": {
      const t = infer(c, e.operand);
      if (isUnknown(t) || t.shape === undefined) return t;
      if (t.shape.length < 2) {
        c.session.report.error("PPL310", e.span, `${c.session.report.text(e.operand.span)} is ${describeShape(t.shape)}`, {
          label: "' swaps the axes of a matrix",
          notes:
            t.shape.length === 1
              ? ["vectors have no orientation: the dot product is u @ v, the outer product outer(u, v)"]
              : undefined,
        });
        return { ...unknownType, ...inherited(t) };
      }
      const [rows, columns] = t.shape.slice(-2);
      const symmetric = t.structure === "diagonal" || t.structure === "cov" || t.structure === "corr";
      return {
        ...t,
        shape: [...t.shape.slice(0, -2), columns, rows],
        range: ranges.undeclared(t.range),
        structure: symmetric ? t.structure : undefined,
      };
    }
    case "conditional":
      return conditional(c, e);
    case "array":
      return arrayLiteral(c, e);
    case "comprehension":
      return comprehension(c, e);
    default:
      return unreachable(e, "infer");
  }
}

function unary(c: Context, e: Unary): ValueType {
  const t = infer(c, e.operand);
  const range = elementRange(t);
  switch (e.operator) {
    case "-":
      return {
        ...t,
        dtype: t.dtype === "bool" ? "int" : t.dtype,
        range: ranges.negated(range),
        structure: undefined,
        value: t.value && minus(zero, t.value),
      };
    case "+":
      return { ...t, range: ranges.undeclared(t.range) };
    case "!":
      return { ...t, dtype: "bool", range: ranges.unit, structure: undefined, value: undefined };
    default:
      return unreachable(e.operator, "unary");
  }
}

function binary(c: Context, e: Binary): ValueType {
  if (e.operator === "|>") return piped(c, e);
  const left = infer(c, e.left);
  const right = infer(c, e.right);
  const base = inherited(left, right);
  if (e.operator === "@") return { ...matrixProduct(c, e, left, right), ...base };
  const shape = joinShapes(left.shape, right.shape);
  if (shape === "misfit") {
    reportMisfit(c, e, e.operator, left, right);
    return { ...unknownType, ...base };
  }
  return { ...base, shape, ...elementwise(e, left, right) };
}

/** x |> f is f(x). */
function piped(c: Context, e: Binary): ValueType {
  const call = pipedCall(e);
  if (call) return infer(c, call);
  c.session.report.error("PPL214", e.right.span, `${c.session.report.text(e.right.span)} is no function or network`, {
    label: "right of |> stands a name: x |> f is f(x)",
  });
  return { ...unknownType, ...inherited(infer(c, e.left)) };
}

/** Element type, range and, of integers, the value of a binary operation. */
function elementwise(e: Binary, left: ValueType, right: ValueType): Pick<ValueType, "dtype" | "range" | "value" | "structure"> {
  const dtype = widerDtype(widerDtype(left.dtype, right.dtype), "int");
  const [a, b] = [elementRange(left), elementRange(right)];
  const [x, y] = [left.value, right.value];
  switch (e.operator) {
    case "+":
      return { dtype, range: ranges.sumOf(a, b), value: x && y && plus(x, y), structure: sumStructure(left, right) };
    case "-":
      return { dtype, range: ranges.differenceOf(a, b), value: x && y && minus(x, y) };
    case "*":
      return { dtype, range: ranges.productOf(a, b), value: x && y && times(x, y), structure: scaledStructure(left, right) };
    case "/":
      return { dtype: "real", range: ranges.quotientOf(a, b) };
    case "^": {
      const integer = dtype === "int" && b.lower >= 0;
      const exact = ranges.isPoint(a) && ranges.isPoint(b) && integer ? integerPower(a.lower, b.lower) : undefined;
      return { dtype: integer ? "int" : "real", range: exact === undefined ? ranges.powerOf(a, b) : ranges.point(exact) };
    }
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
    case "&&":
    case "||":
      return { dtype: "bool", range: ranges.unit };
    case "@":
    case "|>":
      return { dtype: "real", range: ranges.anyNumber };
    default:
      return unreachable(e.operator, "binary");
  }
}
function integerPower(base: number, exponent: number): number | undefined {
  if (!Number.isInteger(base) || exponent > 64) return undefined;
  let power = 1;
  for (let i = 0; i < exponent; i++) power *= base;
  return Number.isSafeInteger(power) ? power : undefined;
}
const covariance = (s: string | undefined): boolean => s === "cov" || s === "corr";
/** A sum of covariance matrices is one; adding a diagonal matrix (jitter, noise) keeps it one. */
function sumStructure(left: ValueType, right: ValueType): string | undefined {
  const [a, b] = [left.structure, right.structure];
  return (covariance(a) && (covariance(b) || b === "diagonal")) || (a === "diagonal" && covariance(b)) ? "cov" : undefined;
}
/** A positive number times a covariance, a Cholesky factor or a diagonal matrix. */
function scaledStructure(left: ValueType, right: ValueType): string | undefined {
  const [scalar, other] =
    left.shape?.length === 0 ? [left, right] : right.shape?.length === 0 ? [right, left] : [undefined, undefined];
  if (!scalar || !other?.structure || scalar.range.lower < 0) return undefined;
  if (covariance(other.structure)) return "cov";
  if (other.structure === "cholesky_corr" || other.structure === "cholesky_cov") return "cholesky_cov";
  return other.structure === "diagonal" ? "diagonal" : undefined;
}

/** c ? a : b. When c is one number of data, only one arm will exist, and the other need not fit. */
function conditional(c: Context, e: Conditional): ValueType {
  const condition = infer(c, e.condition);
  const arm = { ...c, guarded: true };
  const then = infer(arm, e.then);
  const otherwise = infer(arm, e.else);
  const base = inherited(condition, then, otherwise);
  const dtype = widerDtype(then.dtype, otherwise.dtype);
  const range = ranges.hull(elementRange(then), elementRange(otherwise));
  if (isUnknown(then) !== isUnknown(otherwise) && condition.shape?.length === 0) {
    return { ...base, dtype, range, shape: then.shape ?? otherwise.shape };
  }
  const arms = joinShapes(then.shape, otherwise.shape);
  const structure = then.structure === otherwise.structure ? then.structure : undefined;
  if (arms === "misfit") {
    if (condition.shape?.length === 0 && knownAtBind(condition.stage)) return { ...base, dtype, range, shape: undefined };
    reportMisfit(c, { span: e.span, left: e.then, right: e.else }, "c ? a : b", then, otherwise);
    return { ...unknownType, ...base };
  }
  const shape = joinShapes(condition.shape, arms);
  if (shape === "misfit") {
    reportMisfit(c, { span: e.span, left: e.condition, right: e.then }, "c ? a : b", condition, { ...then, shape: arms });
    return { ...unknownType, ...base };
  }
  return { ...base, dtype, range, shape, structure };
}

function arrayLiteral(c: Context, e: ArrayLiteral): ValueType {
  const elements = e.elements.map((x) => infer(c, x));
  const base = inherited(...elements);
  const length: Size = constantDimension(elements.length);
  if (elements.length === 0) return { ...base, dtype: "real", range: ranges.anyNumber, shape: [length] };
  const dtype = elements.map((t) => t.dtype).reduce(widerDtype);
  const range = elements.map(elementRange).reduce(ranges.hull);
  let shape = elements[0].shape;
  for (let i = 1; i < elements.length; i++) {
    const next = elements[i].shape;
    const joined = shape?.length === next?.length ? joinShapes(shape, next) : shape && next ? "misfit" : undefined;
    if (joined === "misfit") {
      c.session.report.error(
        "PPL311",
        e.elements[i].span,
        `${c.session.report.text(e.elements[i].span)} is ${describeShape(next ?? [])}, the first element ${describeShape(shape ?? [])}`,
        {
          label: "the elements of [ ] have one shape",
          notes: ["concat(a, b) joins vectors of different lengths"],
        },
      );
      return { ...unknownType, ...base };
    }
    shape = joined;
  }
  return { ...base, dtype, range, shape: shape && [length, ...shape] };
}

/** [e for i in 1..N, j in 1..M]; a width that varies with an outer variable makes it ragged. */
function comprehension(c: Context, e: Comprehension): ValueType {
  let context = c;
  const sizes: Size[] = [];
  const own = new Set<string>();
  for (const loop of e.loops) {
    const entered = enterLoop(context, loop);
    context = entered.context;
    sizes.push(entered.size);
    own.add(entered.frame.key);
  }
  const body = infer(context, e.body);
  const varies = new Set([...body.varies].filter((k) => !own.has(k)));
  const shape = body.shape && [...sizes, ...body.shape];
  const widths = shape ?? sizes;
  const dependsOn = (s: Size, keys: ReadonlySet<string>): boolean =>
    s !== undefined && [...s.terms.values()].some((m) => m.atoms.some((x) => x.key.split("|").some((part) => keys.has(part))));
  const ragged = widths.some((s) => dependsOn(s, own));
  return {
    dtype: body.dtype,
    range: ranges.undeclared(elementRange(body)),
    shape: shape?.map((s) => (dependsOn(s, own) ? undefined : s)),
    stage: body.stage,
    varies,
    ...(ragged ? { ragged: true } : {}),
    ...(body.structure && body.structure !== "diagonal" ? { structure: body.structure } : {}),
  };
}
