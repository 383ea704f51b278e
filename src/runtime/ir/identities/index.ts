// The identities that the builder applies as it makes nodes, by primitive.
import type { Primitive } from "../primitive.ts";
import { algebra } from "./algebra.ts";
import type { Identity } from "./rule.ts";
import { structure } from "./structure.ts";

export const identities: ReadonlyMap<Primitive, Identity> = new Map([...algebra, ...structure]);
