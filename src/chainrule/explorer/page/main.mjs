/** Starts the instrument with the tables and the model that the page carries as JSON. */

import { mount } from "./app.mjs";
import { h } from "./dom.mjs";

const read = (/** @type {string} */ id) => JSON.parse(document.getElementById(id)?.textContent ?? "{}");
const root = document.getElementById("live");
if (root) start(root, read("live-model"));

/** @type {(root: HTMLElement, model: any) => void} where Python could not export the model, it says why */
function start(root, model) {
  if (!model.fault) mount(root, read("live-tables"), model);
  else root.append(h("p", { class: "fault" }, `This page shows the numbers, but cannot compute others: ${model.fault}`));
  if (model.no_update) root.querySelector(".player")?.append(h("p", { class: "fault" }, model.no_update));
  root.parentElement?.classList.add("started");
  root.hidden = false;
}
