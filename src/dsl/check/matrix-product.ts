// A @ B: vectors and matrices as NumPy's matmul, with symbolic inner sizes.
import type { Binary, Expression } from "../language/ast.ts";
import { anyNumber, nonnegative } from "../ranges.ts";
import type { Context } from "./context.ts";
import { elementRange } from "./functions/define.ts";
import { declarationsOf, nameOf } from "./shape-messages.ts";
import {
  describeShape,
  formatSize,
  joinShapes,
  joinSizes,
  type SymbolicShape,
  unknownType,
  type ValueType,
} from "./value-type.ts";

export function matrixProduct(c: Context, e: Binary, left: ValueType, right: ValueType): ValueType {
  const { report } = c.session;
  const [a, b] = [left.shape, right.shape];
  if (a === undefined || b === undefined) return unknownType;
  if (a.length === 0 || b.length === 0) {
    const number = a.length === 0 ? e.left : e.right;
    report.error("PPL304", e.span, `${nameOf(c, number, "one side")} is a number`, {
      label: "@ is the product of matrices and vectors",
      notes: ["numbers multiply with *"],
    });
    return unknownType;
  }
  const inner = a[a.length - 1];
  const outer = b.length === 1 ? b[0] : b[b.length - 2];
  if (joinSizes(inner, outer) === "misfit") {
    const declared = declarationsOf(c, e.left, e.right);
    const swapped = a.length === 2 && b.length === 1 && joinSizes(a[0], b[0]) !== "misfit";
    report.error(
      "PPL304",
      e.span,
      `${nameOf(c, e.left, "the left side")} has ${formatSize(inner)} ${a.length === 1 ? "elements" : "columns"}, ${nameOf(c, e.right, "the right side")} ${formatSize(outer)} ${b.length === 1 ? "elements" : "rows"}`,
      {
        label: ["@ needs as many columns on its left as rows on its right", ...declared].join("; "),
        notes: swapped ? [`transpose it: ${nameOf(c, e.left, "A")}' @ ${nameOf(c, e.right, "v")}`] : undefined,
      },
    );
    return unknownType;
  }
  const batch = joinShapes(a.slice(0, -2), b.slice(0, -2));
  if (batch === "misfit") {
    report.error(
      "PPL304",
      e.span,
      `${nameOf(c, e.left, "the left side")} is ${describeShape(a)}, ${nameOf(c, e.right, "the right side")} ${describeShape(b)}`,
      {
        label: "the axes before the last two must agree",
      },
    );
    return unknownType;
  }
  const rows: SymbolicShape = a.length === 1 ? [] : [a[a.length - 2]];
  const columns: SymbolicShape = b.length === 1 ? [] : [b[b.length - 1]];
  const signs = elementRange(left).lower >= 0 && elementRange(right).lower >= 0;
  return {
    ...unknownType,
    shape: batch && [...batch, ...rows, ...columns],
    range: signs ? nonnegative : anyNumber,
    structure: structureOf(c, e, left, right),
  };
}

const factor = (s: string | undefined): boolean => s === "cholesky_corr" || s === "cholesky_cov";
/** What a product is known to be: diag(tau) @ L is a Cholesky factor, L @ L' a covariance. */
function structureOf(c: Context, e: Binary, left: ValueType, right: ValueType): string | undefined {
  const [a, b] = [left.structure, right.structure];
  if (a === "diagonal" && b === "diagonal") return "diagonal";
  if ((a === "diagonal" && factor(b)) || (factor(a) && b === "diagonal") || (factor(a) && factor(b))) return "cholesky_cov";
  if (e.right.kind === "transpose" && sameText(c, e.left, e.right.operand)) {
    if (a === "cholesky_corr") return "corr";
    if (factor(a)) return "cov";
  }
  return undefined;
}
const sameText = (c: Context, a: Expression, b: Expression): boolean =>
  c.session.report.text(a.span).replace(/\s+/g, "") === c.session.report.text(b.span).replace(/\s+/g, "");
