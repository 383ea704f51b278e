// Types of page.mjs, for the test that holds the page against what was measured.
export interface Measured {
  readonly posterior: string;
  readonly model: string;
  readonly reference: boolean;
  readonly dimension?: number;
  readonly rhat?: number;
  readonly ess?: number;
  /** Why there is no run to judge. */
  readonly reason?: string;
}
export declare function measured(): Readonly<Record<string, Measured>>;
export declare function statusOf(result: Measured): "passed" | "listed" | "failed" | "open";
export declare function coveragePage(results?: Readonly<Record<string, Measured>>): string;
