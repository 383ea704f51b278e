// Types of stan-densities.mjs, for the test that writes Stan's log densities.
import type { DataObject } from "../src/model.ts";

export declare function stanVersion(): string;
export declare function stanLogDensities(
  name: string,
  source: string,
  data: DataObject,
  points: readonly Readonly<Record<string, unknown>>[],
): readonly number[];
