// A page of HTML that needs no other file.
import { escaped } from "./plots.ts";

/** `parts`: elements, one after the other. */
export const htmlPage = (title: string, parts: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>body { font-family: sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; } img, svg { max-width: 100%; height: auto; }</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${parts.join("\n")}
</body>
</html>
`;
