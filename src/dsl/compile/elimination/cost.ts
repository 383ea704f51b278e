// What summing out costs, and where it is given up.
import { UsageError } from "../../../runtime/errors.ts";
import type { CheckedModel } from "../../check/checked-model.ts";
import { statementAt } from "../discrete.ts";
import type { Piece } from "../piece.ts";

/** Most flops of an evaluation that discrete latents may take. */
export const BUDGET = 1e8;
/** Beside an addition: the exponential and the share in a logarithm that each entry of a table costs. */
export const FLOPS_AN_ENTRY = 20;

/** Discrete latents that are too many, or have too many values, to be summed out. */
export class TooMany extends Error {
  readonly piece: Piece;
  readonly remedy: string | undefined;
  constructor(piece: Piece, why: string, remedy?: string) {
    super(why);
    this.name = "TooMany";
    this.piece = piece;
    this.remedy = remedy;
  }
}

/** The message: which statement, which latent, why, and what can be done. */
export function refuseSum(model: CheckedModel, { piece, message, remedy }: TooMany): UsageError {
  const ways = remedy ?? "fewer values, or an engine that gives it a distribution of its own: --engine meanfield, or a guide";
  return new UsageError(`${piece.name} cannot be summed out (${statementAt(model, piece.span)}): ${message}. ${ways}`);
}
