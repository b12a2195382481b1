// Validates action.yml as GitHub's editor extension does, and prints what it finds as FILE:LINE:COLUMN: TEXT.
import { readFile } from "node:fs/promises";
import { register } from "node:module";

// The library imports JSON files as a bundler wants it; Node wants to be told what they are.
register("data:text/javascript," + encodeURIComponent(`
export const load = (url, context, next) => next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);
`));
const { TextDocument } = await import("vscode-languageserver-textdocument");
const { validate } = await import("@actions/languageservice");

let found = 0;
for (const file of process.argv.slice(2)) {
  const document = TextDocument.create("file:///" + file, "yaml", 1, await readFile(file, "utf8"));
  for (const { range, message } of await validate(document)) {
    console.log(`${file}:${range.start.line + 1}:${range.start.character + 1}: ${message}`);
    found++;
  }
}
process.exit(found === 0 ? 0 : 1);
