// What summing out costs, and where it is given up.
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
