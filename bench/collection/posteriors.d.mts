// Types of posteriors.mjs.
export interface IndexEntry {
  readonly posterior: string;
  readonly model: string;
  readonly data: string;
  readonly reference: boolean;
}
export declare function index(): readonly IndexEntry[];
