// A Blame in words: one message that names statement, element and values.
import type { Source } from "./dsl/diagnostics.ts";
import { renderDiagnostic } from "./dsl/render-diagnostic.ts";
import type { Blame } from "./runtime/target.ts";

export function blameText(blame: Blame, sources: readonly Source[]): string {
  const [first, ...others] = blame.culprits;
  if (!first) {
    const [slope] = blame.badGradient;
    return slope
      ? `the log density is ${blame.logDensity}, but its derivative by ${slope.name} is ${slope.value}`
      : `the log density is ${blame.logDensity}`;
  }
  const element = first.element.length === 0 ? "" : ` at [${first.element.join(", ")}]`;
  const inputs = first.inputs.map((i) => `${i.name} = ${short(i.value)}`).join(", ");
  const more = first.count > 1 ? ` (and ${first.count - 1} other element${first.count > 2 ? "s" : ""} of ${first.of})` : "";
  const what = first.role === "jacobian" ? "the change of variables" : first.role === "prior" ? "the prior" : "the term";
  return renderDiagnostic(
    {
      severity: "error",
      code: "PPL501",
      span: first.span,
      message: `${what} of ${first.site}${element} is ${first.value}${more}`,
      label: inputs === "" ? "here" : `with ${inputs}`,
      notes: [
        ...(others.length > 0 ? [`not finite either: ${others.map((o) => o.site).join(", ")}`] : []),
        "check the data against the model, or give starting values with --init FILE",
      ],
    },
    sources,
  );
}

const short = (x: number): string => (Number.isFinite(x) ? String(Number(x.toPrecision(5))) : String(x));
