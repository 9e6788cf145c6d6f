/** The paths of the chain rule below the picture: each as a product, and their sum. */

import { h } from "./dom.mjs";
import { isSmall } from "./layout.mjs";
import { litRef, shownSample } from "./lighting.mjs";
import { layerOf, paramOf } from "./paths.mjs";
import { lossName, nameText, shortText } from "./words.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./lighting.mjs").Light} Light */

const MOST = 4;

/** @type {(store: Store, element: HTMLElement, light: Light) => void} */
export function pathWords(store, element, light) {
  const ref = litRef(store);
  const text = (/** @type {number} */ value) => signed(shortText(store, value));
  const first = light.first.reduce((a, b) => a * b, 1);
  const lines = light.paths.slice(0, MOST).map((path) => {
    const units = path.places.map(({ layer, unit }) => nameText(store, { scope: layer < 0 ? "input" : store.step.layers[layer].label, name: "a", index: [shownSample(store), unit] }).replace(/\(.*\)$/, ""));
    return h("li", {}, `${units.join(" → ")} → ${lossName(store)}: `, h("span", { class: "numbers" }, [...light.first, ...path.factors].map(text).join(" · "), " = "), h("strong", {}, shortText(store, first * path.product)));
  });
  element.hidden = !lines.length || store.view.hidden?.size > 0;
  if (element.hidden || !ref) return;
  const total = light.paths.reduce((sum, path) => sum + first * path.product, 0);
  const more = light.paths.length - lines.length;
  const penalized = subject(store, ref).name === "W" && Object.values(store.start.network.penalty).some(Boolean);
  element.replaceChildren(...[
    h("p", {}, `How ${lossName(store)} changes with ${nameText(store, subject(store, ref))}: ${light.paths.length > 1 ? "the products along the paths, added" : "the product along the path"}`),
    h("ul", {}, ...lines, more > 0 && h("li", {}, `and ${more} further paths`)),
    !isSmall(store) && h("p", {}, "The last factor of each product is the derivative at its last unit, which includes the rest of the paths."),
    penalized && h("p", {}, "The penalty adds its own derivative, which is not on these paths."),
    h("p", { hidden: light.paths.length < 2 }, "Sum: ", h("strong", {}, shortText(store, total)), store.count(store.at) > 1 && " (this sample; the others add theirs)"),
  ].filter((part) => part !== false));
}

/** @type {(text: string) => string} */
const signed = (text) => (text.startsWith("−") ? `(${text})` : text);

/** @type {(store: Store, ref: import("./store.mjs").Ref) => import("./store.mjs").Ref} the number by which C is derived */
function subject({ step }, ref) {
  const [layer, param] = [layerOf(step, ref.scope), paramOf(step, ref)];
  if (param) return { ...ref, scope: step.layers[layer].label, name: param };
  if (ref.scope === "loss") return { ...ref, scope: step.layers[step.layers.length - 1].label, name: "a" };
  if (ref.name === "dx") return { ...ref, scope: step.layers[layer - 1]?.label ?? "input", name: "a" };
  return { ...ref, name: { delta: "z", da: "a" }[ref.name] ?? ref.name };
}
