/**
 * Writes numbers as the page does.
 * Standard input: {numbers, digits: [{significant, decimals, padded}]}.
 * Output: a JSON list with a row for each number: its text with each of the digits.
 */

import { readFileSync } from "node:fs";
import { writeResult } from "../../src/chainrule/explorer/page/digits.mjs";

const { numbers, digits } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(numbers.map((value) => digits.map((one) => writeResult(value, one)))));
