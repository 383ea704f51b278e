// The coordinates that were chosen for a latent, in a line.
import type { Source } from "./dsl/diagnostics.ts";
import type { ChosenCentering } from "./inference/engine.ts";
import type { SourceSpan } from "./runtime/source.ts";

/** By which verdicts about coordinates are known again. */
export const CENTERING = "centering";

/** "theta (line 5): noncentered", "theta (line 5): between centred and noncentered, weight of the prior 0.43 (0.12 to 0.91)" */
export function centeringText({ name, span, weights }: ChosenCentering, sources?: readonly Source[]): string {
  const sorted = Float64Array.from(weights).sort();
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  const median = sorted[Math.floor(sorted.length / 2)];
  const short = (x: number): string => x.toFixed(2);
  const what =
    most === 0
      ? "noncentered"
      : least === 1
        ? "centred"
        : `between noncentered (0) and centred (1), ${short(median)}${short(least) === short(most) ? "" : ` (${short(least)} to ${short(most)})`}`;
  const line = lineOf(span, sources);
  return `coordinates of ${name}${line === undefined ? "" : ` (line ${line})`}: ${what}`;
}

/** 1-based; undefined for a text that is not at hand. */
export function lineOf(span: SourceSpan, sources?: readonly Source[]): number | undefined {
  return sources?.[span.file]?.text.slice(0, span.start).split("\n").length;
}
