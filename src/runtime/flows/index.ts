// Every kind of flow, one line each.
import { coupling } from "./coupling.ts";
import type { FlowRecord } from "./define.ts";
import { iaf } from "./iaf.ts";
import { planar } from "./planar.ts";
import { spline } from "./spline.ts";

export const flows: ReadonlyMap<string, FlowRecord> = new Map([planar, iaf, coupling, spline].map((f) => [f.name, f]));
