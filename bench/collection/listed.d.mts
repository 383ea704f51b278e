// Types of listed.mjs.
export declare const listed: Readonly<Record<string, { readonly reason: string }>>;
