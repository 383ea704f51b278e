// Types of posteriors.mjs, for the test that holds its models against those of models/posteriordb.
export interface BenchmarkPosterior {
  readonly name: string;
  readonly model: string;
  readonly data: string;
  readonly collapses: boolean;
  /** Steps that follow one another, or indicators that are summed out. */
  readonly recursive?: boolean;
  /** The model is the benchmark's own, its data simulated. */
  readonly own?: boolean;
}
export declare const posteriors: readonly BenchmarkPosterior[];
