// Places in a model's text, carried by everything that may have to be blamed.

/** Half-open range of UTF-16 offsets in one source file. */
export interface SourceSpan {
  /** Index of the file among the sources of the model; 0 is the file the user named. */
  readonly file: number;
  readonly start: number;
  readonly end: number;
}
