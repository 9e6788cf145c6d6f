/** Starts the instrument with the tables and the model that the page carries as JSON. */

import { mount } from "./app.mjs";

const read = (/** @type {string} */ id) => JSON.parse(document.getElementById(id)?.textContent ?? "{}");
const root = document.getElementById("live");
if (root) mount(root, read("live-tables"), read("live-model"));
