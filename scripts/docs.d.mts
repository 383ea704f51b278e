// Types of docs.mjs, for the test that holds the generated pages against the records.
import type { Command } from "commander";
import type { BuiltIn } from "../src/dsl/check/functions/define.ts";
import type { Constraint } from "../src/dsl/constraints/define.ts";
import type { Distribution } from "../src/dsl/distributions/define.ts";
import type { Modifier } from "../src/dsl/distributions/modifiers/define.ts";
import type { NetRecord } from "../src/dsl/nets/define.ts";
import type { Engine } from "../src/inference/engine.ts";

export interface Records {
  readonly distributions: ReadonlyMap<string, Distribution>;
  readonly modifiers: readonly Modifier[];
  readonly prefixes: readonly string[];
  readonly functionFamilies: readonly { readonly title: string; readonly functions: readonly BuiltIn[] }[];
  readonly signatureOf: (f: BuiltIn) => string;
  /** Functions of a distribution, with what they give. */
  readonly queries: readonly (readonly [usage: string, doc: string])[];
  readonly odeOptions: readonly { readonly name: string; readonly default: number | string; readonly doc: string }[];
  readonly nets: ReadonlyMap<string, NetRecord>;
  readonly usageOf: (net: NetRecord) => string;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly flagOf: (option: string) => string;
  readonly constraints: ReadonlyMap<string, Constraint>;
  readonly codes: Readonly<Record<string, string>>;
  readonly program: Command;
}
export function records(load: (module: string) => Promise<unknown>): Promise<Records>;
export function pages(records: Records, read: (path: string) => string): Map<string, string>;
