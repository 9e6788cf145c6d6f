/** The panels of the instrument: one line for each. */

import { learningPanel } from "./charts.mjs";
import { dataPanel } from "./data.mjs";
import { networkPanel } from "./network_panel.mjs";

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./app.mjs").Panel} Panel */

/** @type {((store: Store) => Panel)[]} always in view, from the top: player, picture */
export const FIXED = [];

/** @type {((store: Store) => Panel)[]} beside the picture, in the order of their tabs */
export const PANELS = [dataPanel, networkPanel, learningPanel];
