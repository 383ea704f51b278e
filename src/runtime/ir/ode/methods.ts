// The methods that there are.
export const methods = ["dopri5", "rosenbrock"] as const;
export type OdeMethod = (typeof methods)[number];
