// Formulas as elements, in a document that only records what is made.

import assert from "node:assert/strict";
import { test } from "node:test";
import { elements, flow, inline, MATHML } from "../../src/chainrule/explorer/page/mathml.mjs";

/** An element or fragment that records its name, attributes and children. */
class Recorded {
  constructor(name) {
    this.name = name;
    this.children = [];
    this.attributes = {};
  }
  append(text) {
    this.children.push(text);
  }
  appendChild(element) {
    this.children.push(element);
    return element;
  }
  setAttribute(key, value) {
    this.attributes[key] = value;
  }
  get text() {
    return this.children.map((child) => child.text ?? child).join("");
  }
  get all() {
    return this.children.flatMap((child) => (child.name ? [child, ...child.all] : []));
  }
}

globalThis.document = {
  createDocumentFragment: () => new Recorded(""),
  createElementNS: (space, name) => new Recorded(name),
};

test("a formula becomes elements with its attributes", () => {
  const found = elements(inline(MATHML.operation("<", MATHML.name("w_{5}"), MATHML.number("2"))));
  const names = found.all.map(({ name }) => name);
  assert.deepEqual(names, ["math", "msub", "mi", "mn", "mo", "mn"]);
  assert.deepEqual(found.all[4].attributes, { form: "infix" });
  assert.equal(found.text, "w5<2");
});

test("a long sum becomes terms that wrap", () => {
  const terms = Array.from({ length: 12 }, (_, i) => [i % 2 > 0, MATHML.name(`w_{${i}}`)]);
  const found = elements(flow(MATHML.total(terms)));
  assert.equal(found.children.length, 12);
  assert.ok(found.children.every(({ name, attributes }) => name === "span" && attributes.class === "term"));
});

test("markup in names and numbers stays text", () => {
  const hostile = '<img src=x onerror="alert(1)">&lt;/math>';
  for (const markup of [MATHML.name(hostile), MATHML.number(hostile), MATHML.call(hostile, ["<mn>1</mn>"])]) {
    const found = elements(inline(markup));
    assert.ok(found.all.every(({ name }) => /^m(ath|i|n|o|row|text|frac|sup|sub)$/.test(name)));
    assert.ok(found.text.replaceAll("\u00a0", " ").includes("<img"));
  }
});
