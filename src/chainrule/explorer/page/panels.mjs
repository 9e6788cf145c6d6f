/** The panels of the instrument: one line for each. */

/** @typedef {import("./store.mjs").Store} Store */
/** @typedef {import("./app.mjs").Panel} Panel */

/** @type {((store: Store) => Panel)[]} always in view, from the top: player, picture */
export const FIXED = [];

/** @type {((store: Store) => Panel)[]} beside the picture, in the order of their tabs */
export const PANELS = [];
