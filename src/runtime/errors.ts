// The exceptions of the project. A user's mistake in a model or its data is a Diagnostic, returned; these are for what cannot be one.

/** Our own fault: an invariant of ours does not hold. The command line asks for a report. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/** Shapes that do not fit, raised by a primitive's type rule; the language front end turns it into a diagnostic with a span. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** A mistake of the user's that has no place in a model's text: a wrong option, a missing file. The message is a sentence for them. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** For the default arm of a switch that covers everything. */
export function unreachable(value: never, where: string): never {
  throw new InternalError(`${where}: unexpected ${JSON.stringify(value)}`);
}
