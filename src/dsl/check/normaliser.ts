// Whether what is cut off a distribution can be divided out again.
import type { SourceSpan } from "../diagnostics.ts";
import { normaliserKnown } from "../distributions/modifiers/truncated.ts";
import type { Range } from "../ranges.ts";
import type { Context } from "./context.ts";
import type { DistributionType } from "./distribution-type.ts";
import { knownAtBind, type Stage } from "./value-type.ts";

export interface Cut {
  /** Range of the bound itself; absent on a side that is not cut. */
  readonly lower?: Range;
  readonly upper?: Range;
  /** When the distribution's arguments and the bounds are known. */
  readonly stage: Stage;
}

/** P(lower <= X <= upper) in closed form, or constant, or an error (rule 11). */
export function checkNormaliser(c: Context, span: SourceSpan, d: DistributionType, cut: Cut): void {
  if (!d.normalised || d.declaredSupport) return;
  if (normaliserKnown(d, cut, knownAtBind(cut.stage)) === "unknown")
    normaliserMissing(c, span, `${d.name} cut to these bounds`, cut.stage);
}

const beforeIt = "write unnormalized before the distribution to restrict it without renormalising, as Stan does";
/** Without a closed form: constant and left out, or an error where it depends on latents. */
export function normaliserMissing(c: Context, span: SourceSpan, what: string, stage: Stage, remedy = beforeIt): void {
  const { report } = c.session;
  if (knownAtBind(stage)) {
    report.note("PPL513", span, `the normalising constant of ${what} is left out`, {
      label: "it has no closed form here, and is the same at every point",
      notes: ["estimates of the evidence need it, and will refuse"],
    });
    return;
  }
  report.error("PPL510", span, `the normaliser of ${what} depends on latent variables`, {
    label: "and has no closed form here",
    notes: [remedy],
  });
}
