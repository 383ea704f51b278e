// A checked model meets its data: the one entry to dsl/compile.
import type { Target } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { DataSet } from "../data/value.ts";
import type { Outcome } from "../diagnostics.ts";
import { bindData } from "./bind-data.ts";
import { bindCodes, diagnostic, Rejection } from "./rejection.ts";
import { makeTarget } from "./target.ts";

/** `overrides`: values of consts, from --set. */
export function bind(model: CheckedModel, data: DataSet, overrides: ReadonlyMap<string, number> = new Map()): Outcome<Target> {
  const bound = bindData(model, data, overrides);
  if (!bound.data) return { diagnostics: bound.diagnostics };
  try {
    const target = makeTarget(model, bound.data);
    if (target.width === 0 && target.parameters.length === 0) {
      const span = { file: 0, start: 0, end: 0 };
      return {
        diagnostics: [
          diagnostic(bindCodes.coverage, span, "the model has nothing to infer", {
            notes: [
              "give at least one name that is not data a distribution: mu ~ Normal(0, 1); or declare what is learnt: param mu: real",
            ],
          }),
        ],
      };
    }
    return { value: target, diagnostics: bound.diagnostics };
  } catch (e) {
    if (e instanceof Rejection) return { diagnostics: e.diagnostics };
    throw e;
  }
}
