// Answers of learners: which are right, which are short, and what wrong ones are called.

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, factors, grade, parseAnswer } from "../../src/chainrule/explorer/page/grading.mjs";

const answer = (text) => {
  const found = parseAnswer(text);
  assert.ok(found, text);
  return found;
};

test("numbers are read as people write them", () => {
  assert.deepEqual(answer(" 0.25 "), { value: 0.25, place: -2 });
  assert.deepEqual(answer("−1,5"), { value: -1.5, place: -1 });
  assert.deepEqual(answer(".5"), { value: 0.5, place: -1 });
  assert.deepEqual(answer("-1.20e-3"), { value: -0.0012, place: -5 });
  assert.deepEqual(answer("12"), { value: 12, place: 0 });
});

test("what is no number is refused", () => {
  for (const text of ["", "abc", "1/3", "1.2.3", "0x10", "Infinity", "NaN", "1e999", "<b>1</b>", "--1"]) assert.equal(parseAnswer(text), null, text);
});

test("an answer is right within the digits asked", () => {
  const value = 0.0363503064;
  assert.equal(grade(answer("0.03635"), value, 4), "right");
  assert.equal(grade(answer("0.0363503"), value, 4), "right");
  assert.equal(grade(answer("0.036350306"), value, 4), "right");
  assert.equal(grade(answer("0.0364"), value, 3), "right");
  assert.equal(grade(answer("0.03636"), value, 4), "wrong");
  assert.equal(grade(answer("-0.03635"), value, 4), "wrong");
});

test("fewer digits than asked are right as far as they go", () => {
  assert.equal(grade(answer("0.036"), 0.0363503064, 4), "short");
  assert.equal(grade(answer("0.037"), 0.0363503064, 4), "wrong");
  assert.equal(grade(answer("0.5"), 0.5, 4), "right");
  assert.equal(grade(answer("3"), 3, 6), "right");
  assert.equal(grade(answer("0"), 0, 4), "right");
});

test("slips have names", () => {
  const why = (text, causes = []) => explain(answer(text), 0.0363503064, 4, causes);
  assert.match(why("-0.03635"), /sign/);
  assert.match(why("0.03636"), /last digit/);
  assert.match(why("0.0727", factors(0.0363503064, 3)), /twice/);
  assert.match(why("0.10905", factors(0.0363503064, 3)), /sum over the samples/);
  assert.equal(why("0.03023", [[0.030229739, "the updated weight"]]), "the updated weight");
  assert.match(why("0.0366"), /rounded too early/);
  assert.equal(why("7.01"), "");
});

test("too few digits are asked for before a slip is named", () => {
  const causes = [...factors(-0.2171, 1), [0.2748, "E_o1"], [0.5, "exactly a half"], [0, "nothing"]];
  for (const text of ["1", "-1", "1e1", "0.5", "2", "0.3", "0.27", "-0.43", "0", "0.000"]) {
    assert.equal(grade(answer(text), -0.2171, 4), "wrong", text);
    assert.match(explain(answer(text), -0.2171, 4, causes), /^Not right. Give at least 3 significant digits/, text);
  }
  assert.equal(grade(answer("-0.2"), -0.2171, 4), "short");
  assert.equal(grade(answer("1e1"), 6, 4), "wrong");
  assert.equal(explain(answer("0.275"), -0.2171, 4, causes), "E_o1");
  assert.equal(explain(answer("0.500"), -0.2171, 4, causes), "exactly a half");
  assert.equal(explain(answer("0.00412"), -0.2171, 4, causes), "");
});

test("a slip is as close as the digits that are typed, and has one name", () => {
  const causes = [[0.27482, "one"], [0.27515, "another"], [0.27482, "the first again"]];
  const why = (text, list = causes) => explain(answer(text), -0.2171, 4, list);
  assert.match(why("0.275"), /Several mistakes give these few digits: give 4/);
  assert.equal(why("0.2748"), "one");
  assert.equal(why("0.2752"), "another");
  assert.equal(why("0.276"), "");
  assert.equal(why("0.275", [causes[0], causes[2]]), "one");
  assert.equal(explain(answer("0.275"), -0.2171, 1, [causes[0]]), "one");
  assert.equal(explain(answer("0.282"), -0.2171, 1, [causes[0]]), "");
});

test("a cause that gives the right number is not named", () => {
  assert.doesNotMatch(explain(answer("0.03636"), 0.03635, 4, [[0.0363501, "the same"]]), /the same/);
});
