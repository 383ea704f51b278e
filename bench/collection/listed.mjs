// Posteriors whose chains are known not to agree, with the reason.
export const listed = {};
