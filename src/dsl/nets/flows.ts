// Flows: layers that can be undone, for flow(D, f).

import { coupling as couplingFlow } from "../../runtime/flows/coupling.ts";
import { type FlowLayer, type FlowRecord, flowOf } from "../../runtime/flows/define.ts";
import { iaf as iafFlow } from "../../runtime/flows/iaf.ts";
import { planar as planarFlow } from "../../runtime/flows/planar.ts";
import { spline as splineFlow } from "../../runtime/flows/spline.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { overEvents } from "../distributions/events.ts";
import { range } from "../ranges.ts";
import { type Arguments, defineNet, type NetParameter } from "./define.ts";

const depth: NetParameter = { name: "depth", kind: "size", doc: "layers one after the other" };
const size: NetParameter = { name: "size", kind: "size", doc: "how many numbers a vector has" };
const hidden: NetParameter = {
  name: "hidden",
  kind: "size",
  default: 32,
  doc: "units of the hidden layer of each network",
};
const bins: NetParameter = {
  name: "bins",
  kind: "size",
  default: 8,
  range: range(2, 200),
  doc: "pieces of each spline, 2 to 200",
};

/** The layers at their arguments, for vectors that follow `context` numbers. */
function made(record: FlowRecord, args: Arguments, context: number): FlowLayer {
  const option = (name: "hidden" | "bins"): number => (record.reads.includes(name) ? args.known(name) : 1);
  const options = { depth: args.known("depth"), hidden: option("hidden"), bins: option("bins") };
  return flowOf(record, args.known("size"), context, options);
}

function flow(record: FlowRecord, example: string) {
  const parameters = [depth, size, ...[hidden, bins].filter((p) => record.reads.some((r) => r === p.name))];
  return defineNet({
    kind: "layer",
    name: record.name,
    doc: record.doc,
    parameters,
    example,
    takes: (args) => [args.size("size")],
    tensors: (args, _example, context = 0) => made(record, args, context).tensors,
    apply: (b: Builder, x: Value, { arguments: args, tensors }) =>
      overEvents(b, [{ value: x, rank: 1 }], ([one]) => made(record, args, 0).forward(b, one, tensors).to),
    flow: (args, context) => made(record, args, context),
  });
}

export const planar = flow(planarFlow, "planar(8, 2)");
export const iaf = flow(iafFlow, "iaf(4, 40)");
export const coupling = flow(couplingFlow, "coupling(6, 40)");
export const spline = flow(splineFlow, "spline(4, 40)");
