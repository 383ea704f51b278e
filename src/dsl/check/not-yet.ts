// What the language has and this version does not build yet: one clear message for each feature, and silence afterwards.
import type { SourceSpan } from "../diagnostics.ts";
import type { Report } from "./report.ts";

interface Feature {
  readonly code: string;
  /** "networks are not built yet" */
  readonly what: string;
  readonly notes?: readonly string[];
}
const features = {
  objective: { code: "PPL610", what: "objectives are not built yet" },
} as const satisfies Record<string, Feature>;
export type FeatureName = keyof typeof features;

export function notYet(report: Report, feature: FeatureName, span: SourceSpan, label?: string): void {
  const f: Feature = features[feature];
  report.error(f.code, span, f.what, { label, notes: f.notes });
}
