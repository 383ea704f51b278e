// Types of posteriors.mjs, for the test that holds its models against those of models/posteriordb.
export interface BenchmarkPosterior {
  readonly name: string;
  readonly model: string;
  readonly data: string;
  readonly collapses: boolean;
}
export declare const posteriors: readonly BenchmarkPosterior[];
